if git fetch --quiet --depth=1 "$REMOTE" refs/heads/@UPDATE_BRANCH@; then
  for lock in @LOCKS@; do
    if git cat-file -e "FETCH_HEAD:$lock" 2>/dev/null; then git checkout --quiet FETCH_HEAD -- "$lock"; fi
  done
fi
