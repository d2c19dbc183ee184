complete -W all everything
