#!/usr/bin/env bash
# Gets NVRTC, NVIDIA's run-time compiler, for the tests: it needs no GPU. Writes artifacts/nvrtc (ignored by git), asks for no
# privileges, does nothing where it has already run, and says nothing unless it fails.
#   artifacts/nvrtc/libnvrtc.so.12, libnvrtc-builtins.so.12.4    the compiler
#   artifacts/nvrtc/driver/libcuda.so.1                          the driver, which without a GPU answers "no device"
# The packages are Debian's, from whatever mirror this machine uses, each held to the SHA-256 below.
set -euo pipefail
cd "$(dirname "$0")/.."
suite=trixie component=non-free
packages=(
    libnvrtc12=12.4.127~12.4.1-2:db76acbd9ad53eae57291114b615ed21551592dee0b1160990a33066d86c251c
    libnvrtc-builtins12.4=12.4.127~12.4.1-2:c4f9ea43c3e176a9f46b50718d546adb0dc7344432cd7d8b1483692e0416d24c
    libcuda1=550.163.01-2:8feff97aac61d6f27ded96a3c25b9e68025a680476e6072ff7eaf10623509135
)
target=artifacts/nvrtc
pins=$(printf '%s\n' "${packages[@]}")
[ "$(cat "$target/pins" 2>/dev/null)" = "$pins" ] && exit 0

fail() {
    echo "NVRTC could not be fetched: $1" >&2
    echo "Install NVRTC 11.2 to 13 (Debian: libnvrtc12; elsewhere 'pip install nvidia-cuda-nvrtc-cu12'), or name its folder in ANDREA_NVRTC_PATH." >&2
    exit 1
}
[ "$(uname -sm)" = "Linux x86_64" ] || fail "the pinned packages are for Linux on x86-64, and this is $(uname -sm)."
for tool in apt-get dpkg sha256sum; do
    command -v "$tool" >/dev/null || fail "this needs $tool, which is not installed."
done
# What apt would ask for an update names the mirror even where none was made yet: 'http://mirror/debian/dists/...'
mirror=$(apt-get update --print-uris 2>/dev/null | sed -nE "s#^'([^']*/debian/*)/dists/.*#\\1#p" | head -n 1)
[ -n "$mirror" ] || fail "apt has no Debian mirror configured."

mkdir -p artifacts
work=$(mktemp -d "$PWD/artifacts/nvrtc.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/packages" "$work/unpacked" "$work/nvrtc/driver"
# The checksums above vouch for the packages, so the key of the suite need not be installed.
echo "deb [arch=amd64 trusted=yes] $mirror $suite $component" >"$work/sources.list"
apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$work/lists" \
        -o Dir::Cache="$work/cache" -o Dir::State::status=/dev/null -o APT::Sandbox::User= -o Acquire::Languages=none \
        -o Acquire::Retries=3 -o Acquire::http::Timeout=60 "$@" >>"$work/log" 2>&1
}
apt update || fail "apt could not read the list of packages. $(tail -1 "$work/log")"
cd "$work/packages"
apt download "${packages[@]%:*}" || fail "apt could not download a package. $(tail -1 "$work/log")"
for package in "${packages[@]}"; do
    file=$(echo "${package%%=*}"_*.deb)
    echo "${package##*:}  $file" | sha256sum --check --status || fail "$file is not the pinned one: its SHA-256 differs."
    dpkg -x "$file" "$work/unpacked" || fail "dpkg could not unpack $file."
done
cd - >/dev/null
cp -P "$work"/unpacked/usr/lib/x86_64-linux-gnu/libnvrtc*.so* "$work/nvrtc/"
cp -P "$work"/unpacked/usr/lib/x86_64-linux-gnu/nvidia/current/libcuda.so* "$work/nvrtc/driver/"
echo "$pins" >"$work/nvrtc/pins"
rm -rf "$target"
mv -T "$work/nvrtc" "$target" 2>/dev/null || [ "$(cat "$target/pins" 2>/dev/null)" = "$pins" ] || fail "$target could not be written."
