# the locks say which versions are used and what was published
for lock in @LOCKS@; do
  if [ -e "$lock" ]; then git add -- "$lock"; fi
done
if git diff --cached --quiet; then
  echo "the locks are as they were"
else
  git -c user.name=pkgr -c user.email=pkgr@localhost commit --quiet --message 'Update recipe.lock: packages were rebuilt'
  @PUSH@
fi
