git push --quiet --force "$REMOTE" HEAD:refs/heads/@UPDATE_BRANCH@
if [ -z "$(gh pr list --head @UPDATE_BRANCH@ --state open --json number --jq '.[].number')" ]; then
  gh pr create --base "$BRANCH" --head @UPDATE_BRANCH@ \
    --title 'Update recipe.lock: packages were rebuilt' --body 'The packages are uploaded; merge this to keep their versions.'
fi
