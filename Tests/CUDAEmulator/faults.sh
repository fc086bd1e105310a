#!/bin/sh
# Puts known faults into kernel texts, one at a time, and expects the emulated tests to find each: by results, under
# AddressSanitizer, or with every access watched for races.
# Usage: faults.sh CXX KERNELS PROCESSOR.o OUT [WORDS]: with WORDS only faults whose description has them.
set -eu
cxx=$1 kernels=$2 processor=$3 out=$4
shift 4
words=$*
here=$(cd "$(dirname "$0")" && pwd)
missed=0

# fault TEST FILE WHAT SED [BUILD]: the text has to change, and the test to fail; with BUILD (asan, races) that build has to find it.
fault() {
  case $3 in *"$words"*) ;; *) return 0 ;; esac
  rm -rf "$out"
  mkdir -p "$out/kernels"
  cp "$kernels"/* "$out/kernels"
  sed -i "$4" "$out/kernels/$2"
  if cmp -s "$kernels/$2" "$out/kernels/$2"; then
    echo "faults: nothing to change for: $3" >&2
    exit 1
  fi
  flags="-std=c++17 -w -DPINION_EMULATOR -I$here -I$out/kernels -I$here/../CUDAStatic/generated"
  found=
  if [ -z "${5-}" ]; then
    # Compiling takes most of the time.
    $cxx $flags -O0 -rdynamic "$here/$1_test.cpp" "$processor" -o "$out/plain"
    timeout 300 "$out/plain" 4 >/dev/null 2>&1 || found="results"
  fi
  if [ -z "$found" ] && [ "${5-races}" = races ]; then
    $cxx $flags -DEMULATOR_RACES -O1 -fsanitize=thread -mllvm -tsan-instrument-func-entry-exit=0 -c "$here/$1_test.cpp" -o "$out/races.o"
    $cxx -no-pie -fuse-ld=lld "$out/races.o" "$processor" -o "$out/races"
    timeout 300 "$out/races" 2 >/dev/null 2>&1 || found="races"
  fi
  if [ -z "$found" ] && [ "${5-asan}" = asan ]; then
    $cxx $flags -O0 -gline-tables-only -fsanitize=address,undefined -fno-sanitize-recover=all -fuse-ld=lld "$here/$1_test.cpp" "$processor" -o "$out/asan"
    ASAN_OPTIONS=detect_stack_use_after_return=0:detect_leaks=0 timeout 300 "$out/asan" 2 >/dev/null 2>&1 || found="AddressSanitizer"
  fi
  if [ -n "$found" ]; then echo "found by $found: $3"; else echo "MISSED: $3" && missed=1; fi
}

fault reduction reduction.cu "no barrier between writing and reading partial sums" '/partial\[warp_index()\] = value;/{n;d}'
fault reduction reduction.cu "no barrier before partial sums are written again" '/may still be read by an earlier call/d'
fault reduction reduction.cu "a row that is read one element too far" 's/i < columns ? T::load(from\[i\])/i <= columns ? T::load(from[i])/'
fault reduction reduction.cu "the greatest element is not taken off" 's/sum += expf(T::load(from\[i\]) - most)/sum += expf(T::load(from[i]))/'
fault reduction reduction.cu "no barrier before partial sums are written again, watched" '/may still be read by an earlier call/d' races
fault reduction reduction.cu "a logarithm that is added to the greatest" 's/value\[k\] - most - shift/value[k] - (most + shift)/'
fault reduction reduction.cu "a column of the wrong outer row" 's/(i64)outer \* extent \* inner/(i64)blockIdx.x * extent * inner/'
fault reduction reduction.cu "more threads than the launch bound" 's/KERNEL(512) softmax_any/KERNEL(256) softmax_any/'
fault gemm matrix.cuh "tiles of the wrong matrix" 's/batch = line . down;/batch = 0;/'
fault gemm matrix.cuh "no wait for copies" 's/wait_for_copies<STAGES - 2>();//'
fault gemm matrix.cuh "a wait that leaves one copy too many" 's/wait_for_copies<STAGES - 2>();/wait_for_copies<STAGES - 1>();/'
fault gemm matrix.cuh "no barrier between steps" '/none still reads the one that is filled next/{n;d}'
fault gemm matrix.cuh "no barrier between steps, watched" '/none still reads the one that is filled next/{n;d}' races
fault gemm matrix.cuh "no barrier before the ring becomes sums" 's/__syncthreads();  .. the last stage has been read//' races
fault gemm matrix.cuh "lanes that name wrong matrix rows" 's/(lane \& 15)) \* PITCH/(lane \& 7)) * PITCH/'
fault gemm matrix.cuh "copies that read beyond the last column" 's/(left < EACH ? left : EACH) : 0;/EACH : 0;/'
fault gemm gemm.cu "a residual of the wrong matrix" 's/residual ? residual + step : residual/residual/'
fault gemm gemm.cu "a gate that is not silu" 's/silu(T::load(gate\[0\]))/sigmoid(T::load(gate[0]))/'
fault products gemm_int8.cu "a zero point that is added" 's/(u32)sum - (u32)output.zero/(u32)sum + (u32)output.zero/'
fault products skinny.cu "no barrier before the warps' sums are added" 's/__syncthreads();//' races
fault products weight_only.cu "the halves of a byte the wrong way round" 's/(place \& 1) \* 4/(~place \& 1) * 4/'
fault products weight_only.cu "a row that is read beyond its end" 's/if (place + i < p.k) sum/sum/'
fault conv conv.cu "a window that begins one place late" 's/row \* c.stride\[0\] - c.padding\[0\] + kernel_place/row * c.stride[0] - c.padding[0] + 1 + kernel_place/'
fault conv conv.cu "padding on the right that is read" 's/|| x < 0 || x >= c.width/|| x < 0 || x > c.width/'
fault conv image.cu "an average that counts too much" 's/if (is_inside || (p.counts_padding/if (true || (p.counts_padding/'
fault attention attention.cu "a causal mask one key off" 's/p.is_causal \&\& key > place/p.is_causal \&\& key > place + 1/'
fault attention attention.cu "sums that are not shrunk" 's/out\[i\]\[e\] \*= shrink\[e >> 1\];//'
fault attention attention.cu "keys overwritten while they are read" 's/__syncthreads();  .. all have read the keys//' races
fault attention attention.cu "values read before they are there" 's/__syncthreads();  .. the values are there for all//' races
fault attention attention.cu "a head of the wrong batch" 's/(int)(line - batch \* p.heads)/(int)line/'
fault attention attention.cu "a group's wrong keys" 's/kv_head = head \/ (p.heads \/ p.kv_heads)/kv_head = head % p.kv_heads/'
fault selection selection.cu "equal values in the wrong order" 's/(u32)~i;/(u32)i;/'
fault selection selection.cu "no barrier in the sort" '/chosen\[i\] = b, chosen\[other\] = a/,/__syncthreads/{s/__syncthreads();//}'
fault selection scatter.cu "an index at the extent that is let through" 's/index >= extent) atomic_minimum(fault, i);/index > extent) atomic_minimum(fault, i);/'
fault movement movement.cu "no barrier between the tile's sides" 's/__syncthreads();//'
fault movement movement.cu "an index at the extent that is let through" 's/index >= extent/index > extent/'
fault movement movement.cu "a reflection with the edge" 's/2 \* extent - 2 : 1/2 * extent : 1/'
fault movement movement.cu "a place outside that 32 bits do not count" 's/is_inside = false, at = 0;/is_inside = false;/' asan
fault movement movement.cu "two blocks that write one place" 's/y\[(i64)row \* to_pitch + column\] = /y[0] = /' races
fault elementwise elementwise.cuh "axes taken in the wrong order" 's/(i32)place \* axes.step\[k\]\[axis\]/(i32)place * axes.step[k][axis - 1]/'
fault elementwise elementwise.cuh "sums of integers that must not overflow" 's/(i64)((u64)a + (u64)b)/a + b/' asan
fault elementwise elementwise.cuh "a gelu with the wrong factor" 's/0.70710678118654752f/0.75f/'
fault movement movement.cu "steps of another tensor" 's/place += at \* p.step\[axis\]/place += at * p.step[0]/'
fault elementwise elementwise.cuh "a maximum that drops NaN" 's/a != a || a > b ? a : b/a > b ? a : b/'
fault elementwise elementwise.cuh "a quantisation that rounds halves up" 's/rintf(x \/ scale)/floorf(x \/ scale + 0.5f)/'
exit $missed
