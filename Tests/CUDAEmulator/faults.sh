#!/bin/sh
# Puts known faults into kernel texts, one at a time, and expects the emulated tests to find each: in the optimised build or, for accesses
# that change no result, under AddressSanitizer.
# Usage: faults.sh CXX KERNELS OUT
set -eu
cxx=$1 kernels=$2 out=$3
here=$(cd "$(dirname "$0")" && pwd)
missed=0

# fault TEST FILE WHAT SED: the text has to change, and the test to fail.
fault() {
  rm -rf "$out"
  mkdir -p "$out/kernels"
  cp "$kernels"/* "$out/kernels"
  sed -i "$4" "$out/kernels/$2"
  if cmp -s "$kernels/$2" "$out/kernels/$2"; then
    echo "faults: nothing to change for: $3" >&2
    exit 1
  fi
  flags="-std=c++17 -w -DPINION_EMULATOR -I$here -I$out/kernels -I$here/../CUDAStatic/generated"
  $cxx $flags -O2 "$here/$1_test.cpp" -o "$out/plain"
  found=
  timeout 120 "$out/plain" 4 >/dev/null 2>&1 || found="results"
  if [ -z "$found" ]; then
    $cxx $flags -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fuse-ld=lld "$here/$1_test.cpp" -o "$out/asan"
    ASAN_OPTIONS=detect_stack_use_after_return=0:detect_leaks=0 timeout 240 "$out/asan" 2 >/dev/null 2>&1 || found="AddressSanitizer"
  fi
  if [ -n "$found" ]; then echo "found by $found: $3"; else echo "MISSED: $3" && missed=1; fi
}

fault reduction reduction.cu "no barrier between writing and reading partial sums" '/partial\[warp_index()\] = value;/{n;d}'
fault reduction reduction.cu "no barrier before partial sums are written again" '/may still be read by an earlier call/d'
fault reduction reduction.cu "a row that is read one element too far" 's/i < columns ? T::load(from\[i\])/i <= columns ? T::load(from[i])/'
fault reduction reduction.cu "the greatest element is not taken off" 's/sum += expf(T::load(from\[i\]) - most)/sum += expf(T::load(from[i]))/'
fault gemm gemm.cu "no wait for copies" 's/wait_for_copies<STAGES - 2>();//'
fault gemm gemm.cu "a wait that leaves one copy too many" 's/wait_for_copies<STAGES - 2>();/wait_for_copies<STAGES - 1>();/'
fault gemm gemm.cu "no barrier between steps" '/none still reads the one that is filled next/{n;d}'
fault gemm gemm.cu "lanes that name wrong matrix rows" 's/(lane \& 15)) \* A_PITCH/(lane \& 7)) * A_PITCH/'
fault gemm gemm.cu "no barrier before tiles are overwritten" '/sum\[i\]\[j\] += left/,/__syncthreads/{s/__syncthreads();//}'
fault gemm gemm.cu "copies that read beyond the last column" 's/column < columns ? columns - column : 0/column < columns ? 8 : 0/'
fault gemm gemm.cu "a residual of the wrong matrix" 's/if (residual) residual += .*//'
fault movement movement.cu "no barrier between the tile's sides" 's/__syncthreads();//'
fault movement movement.cu "an index at the extent that is let through" 's/index >= extent/index > extent/'
fault elementwise elementwise.cuh "axes taken in the wrong order" 's/(i32)place \* axes.step\[k\]\[axis\]/(i32)place * axes.step[k][axis - 1]/'
fault elementwise elementwise.cuh "a gelu with the wrong factor" 's/0.70710678118654752f/0.75f/'
exit $missed
