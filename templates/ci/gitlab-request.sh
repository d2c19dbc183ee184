git push --quiet --force "$REMOTE" HEAD:refs/heads/@UPDATE_BRANCH@ \
  -o merge_request.create -o merge_request.target="$BRANCH" \
  -o merge_request.title='Update recipe.lock: packages were rebuilt'
