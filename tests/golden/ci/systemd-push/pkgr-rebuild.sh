#!/bin/sh
# made by `pkgr ci`, sha256 of what 
# What pkgr-rebuild.service runs in the folder of the recipes.
set -eu

# secrets come as files that only this service sees
secrets=${CREDENTIALS_DIRECTORY:-}
if [ -n "$secrets" ] && [ -f "$secrets/pkgr_signing-key" ]; then
  PKGR_SIGNING_KEY=$(cat "$secrets/pkgr_signing-key")
  export PKGR_SIGNING_KEY
fi
if [ -n "$secrets" ] && [ -f "$secrets/pkgr_signing-key-passphrase" ]; then
  PKGR_SIGNING_KEY_PASSPHRASE=$(cat "$secrets/pkgr_signing-key-passphrase")
  export PKGR_SIGNING_KEY_PASSPHRASE
fi
if [ -n "$secrets" ] && [ -f "$secrets/pkgr_sftp-key" ]; then
  PKGR_SFTP_KEY=$(cat "$secrets/pkgr_sftp-key")
  export PKGR_SFTP_KEY
fi

BRANCH=$(git symbolic-ref --short HEAD)
REMOTE=$(git config "branch.$BRANCH.remote" || echo origin)
git pull --quiet --ff-only "$REMOTE" "$BRANCH"
status=0
/usr/bin/pkgr rebuild 'a recipe' other --to ppa:du9l/test --summary pkgr-summary.md || status=$?
unset PKGR_SIGNING_KEY PKGR_SIGNING_KEY_PASSPHRASE PKGR_SFTP_KEY
# the packages are sent: the locks are committed whatever else failed
# the locks say which versions are used and what was published
for lock in 'a recipe/recipe.lock' other/recipe.lock; do
  if [ -e "$lock" ]; then git add -- "$lock"; fi
done
if git diff --cached --quiet; then
  echo "the locks are as they were"
else
  git -c user.name=pkgr -c user.email=pkgr@localhost commit --quiet --message 'Update recipe.lock: packages were rebuilt'
  for attempt in 1 2 3; do
    if git push --quiet "$REMOTE" "HEAD:refs/heads/$BRANCH"; then break; fi
    if [ "$attempt" = 3 ]; then exit 1; fi
    # somebody else has pushed meanwhile
    git -c user.name=pkgr -c user.email=pkgr@localhost pull --quiet --rebase "$REMOTE" "$BRANCH"
  done
fi
exit "$status"
