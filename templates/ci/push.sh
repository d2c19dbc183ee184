for attempt in 1 2 3; do
  if git push --quiet "$REMOTE" "HEAD:refs/heads/$BRANCH"; then break; fi
  if [ "$attempt" = 3 ]; then exit 1; fi
  # somebody else has pushed meanwhile
  git -c user.name=pkgr -c user.email=pkgr@localhost pull --quiet --rebase "$REMOTE" "$BRANCH"
done
