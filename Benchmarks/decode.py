#!/usr/bin/env python3
"""Times greedy decoding with caches as plain inputs and outputs, beside onnxruntime.

    decode.py MODEL.onnx [--tokens 500] [--chunk 20] [--threads 1]

The model takes one token with its mask and position and, for each layer, past keys and values, whose axis 2 grows by one a token; its
outputs named present* are the next token's pasts in their order. Runtimes take turns, a chunk of tokens each, each decoding its own
sequence from an empty past. `fixed` is Pinion fed the same past of half the length again and again, so that no plan is made: what
the same work costs apart from growth. Prints total times and ratios.
"""
import argparse
import time

import numpy as np
import onnx


class Decoder:
    """One sequence under way in one runtime."""

    def __init__(self, inputs, outputs, run, grows=True, start=0):
        self.inputs, self.outputs, self.run, self.grows = inputs, outputs, run, grows
        self.length, self.seconds, self.slowest = start, 0.0, 0.0
        rng = np.random.default_rng(0)
        self.past = {
            name: (rng.standard_normal([1, shape[1], start, shape[3]]) * 0.1).astype(np.float32)
            for name, (_, shape) in inputs.items() if name.startswith("past")
        }
        self.token = 1

    def step(self):
        total = self.length + 1
        feeds = dict(self.past)
        for name, (dtype, shape) in self.inputs.items():
            if name in feeds:
                continue
            if "mask" in name:
                feeds[name] = np.ones([1, total], dtype)
            elif "position" in name:
                feeds[name] = np.array([[self.length]], dtype)
            else:
                feeds[name] = np.array([[self.token]], dtype)
        start = time.perf_counter()
        results = self.run(feeds)
        seconds = time.perf_counter() - start
        self.seconds += seconds
        self.slowest = max(self.slowest, seconds)
        if self.grows:
            self.token = int(results[0][0, -1].argmax())
            presents = [value for name, value in zip(self.outputs, results) if name.startswith("present")]
            self.past = dict(zip(self.past, presents))
            self.length = total
        return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--tokens", type=int, default=500)
    parser.add_argument("--chunk", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()

    graph = onnx.load(arguments.model, load_external_data=False).graph
    inputs = {}
    for value in graph.input:
        kind = value.type.tensor_type
        inputs[value.name] = (onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type), [d.dim_value for d in kind.shape.dim])
    outputs = [value.name for value in graph.output]

    import onnxruntime

    import pinion

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = arguments.threads, 1, 4
    peer = onnxruntime.InferenceSession(arguments.model, options, providers=["CPUExecutionProvider"])

    def session():
        own = pinion.Session(arguments.model, threads=arguments.threads)
        return lambda feeds: own.run(feeds, outputs)

    decoders = {
        "onnxruntime": Decoder(inputs, outputs, lambda feeds: peer.run(None, feeds)),
        "pinion": Decoder(inputs, outputs, session()),
        "fixed": Decoder(inputs, outputs, session(), grows=False, start=arguments.tokens // 2),
    }
    for name in ("pinion", "onnxruntime", "fixed"):
        decoders[name].step()
        decoders[name].seconds = decoders[name].slowest = 0.0
    done, worst = 1, 0.0
    while done < arguments.tokens:
        count = min(arguments.chunk, arguments.tokens - done)
        results = {}
        for name, decoder in decoders.items():
            for _ in range(count):
                results[name] = decoder.step()
        worst = max(worst, float(np.abs(results["onnxruntime"][0] - results["pinion"][0]).max()))
        done += count
    count = arguments.tokens - 1
    for name, decoder in decoders.items():
        print(f"{name:12} {decoder.seconds * 1e3:9.1f} ms, {decoder.seconds / count * 1e3:.3f} ms a token, slowest {decoder.slowest * 1e3:.2f} ms")
    pinion_seconds = decoders["pinion"].seconds
    print(f"growing / fixed {pinion_seconds / decoders['fixed'].seconds:.3f}   onnxruntime / pinion {decoders['onnxruntime'].seconds / pinion_seconds:.3f}"
          f"   largest difference of logits {worst:.1e}")


if __name__ == "__main__":
    main()
