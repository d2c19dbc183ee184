complete -c everything
