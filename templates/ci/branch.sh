git push --quiet --force "$REMOTE" HEAD:refs/heads/@UPDATE_BRANCH@
