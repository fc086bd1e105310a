#!/usr/bin/env python3
"""Times greedy decoding with caches as plain inputs and outputs and with caches in a state, beside onnxruntime.

    decode.py MODEL.onnx [--tokens 500] [--chunk 20] [--threads 1] [--near 100] [--far 900]

The model takes one token with its mask and position and, for each layer, past keys and values, whose axis 2 grows by one a token; its
outputs named present* are the next token's pasts in their order. Runtimes take turns, a chunk of tokens each, each decoding its own
sequence from an empty past. `state` is Pinion with the caches in a state (Documentation/State.md). `fixed` is Pinion fed the same past
of half the length again and again, so that no plan is made: what the same work costs apart from growth. Prints total times and ratios.

Then two states are given pasts of `--near` and `--far` positions, and a token behind each is timed in turn, each time after going back to
that length: what it costs more behind the longer one, all in all and in the nodes that attend.
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


class StateDecoder(Decoder):
    """The same with the caches in a state of the session."""

    def __init__(self, inputs, state):
        super().__init__({name: info for name, info in inputs.items() if not name.startswith("past")}, [], state.run)
        self.state, self.moved = state, 0

    def step(self):
        results = super().step()
        self.moved += self.state.moved_bytes
        return results


def behind(path, inputs, lengths, threads, rounds=100):
    """For each length of the past the time of a token, and that of the nodes which attend, both in ms and the least of all rounds."""
    import pinion

    found = {}
    states = {}
    for length in lengths:
        for profile in (False, True):
            state = pinion.Session(path, threads=threads, profile=profile).state(capacity=length + 8)
            rng = np.random.default_rng(length)
            for name, (_, shape) in inputs.items():
                if name.startswith("past"):
                    state[name] = (rng.standard_normal([1, shape[1], length, shape[3]]) * 0.1).astype(np.float32)
            states[length, profile] = state
        found[length] = [float("inf"), float("inf")]
    for _ in range(rounds):
        for (length, profile), state in states.items():
            feeds = {}
            for name, (dtype, _) in inputs.items():
                if not name.startswith("past"):
                    value = np.ones([1, length + 1], dtype) if "mask" in name else np.array([[length if "position" in name else 1]], dtype)
                    feeds[name] = value
            if profile:
                state.session.reset_profile()
            start = time.perf_counter()
            state.run(feeds)
            seconds = time.perf_counter() - start
            state.truncate(length)
            if profile:
                nodes = state.session.profile()["nodes"]
                ns = sum(node["ns"] for node in nodes if "Attention" in node["operator"])
                found[length][1] = min(found[length][1], ns / 1e6)
            else:
                found[length][0] = min(found[length][0], seconds * 1e3)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--tokens", type=int, default=500)
    parser.add_argument("--chunk", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--near", type=int, default=100)
    parser.add_argument("--far", type=int, default=900)
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
        "state": StateDecoder(inputs, pinion.Session(arguments.model, threads=arguments.threads).state()),
        "fixed": Decoder(inputs, outputs, session(), grows=False, start=arguments.tokens // 2),
    }
    for name in ("pinion", "onnxruntime", "state", "fixed"):
        decoders[name].step()
        decoders[name].seconds = decoders[name].slowest = 0.0
    done, worst, differing = 1, 0.0, 0
    while done < arguments.tokens:
        count = min(arguments.chunk, arguments.tokens - done)
        results = {}
        for name, decoder in decoders.items():
            for _ in range(count):
                results[name] = decoder.step()
        worst = max(worst, float(np.abs(results["onnxruntime"][0] - results["pinion"][0]).max()))
        differing += not np.array_equal(results["state"][0], results["pinion"][0])
        done += count
    count = arguments.tokens - 1
    for name, decoder in decoders.items():
        print(f"{name:12} {decoder.seconds * 1e3:9.1f} ms, {decoder.seconds / count * 1e3:.3f} ms a token, slowest {decoder.slowest * 1e3:.2f} ms")
    plain, state = decoders["pinion"].seconds, decoders["state"]
    peer_seconds = decoders["onnxruntime"].seconds
    print(f"growing / fixed {plain / decoders['fixed'].seconds:.3f}   onnxruntime / pinion {peer_seconds / plain:.3f}"
          f"   largest difference of logits {worst:.1e}")
    print(f"state: plain / state {plain / state.seconds:.3f}   onnxruntime / state {peer_seconds / state.seconds:.3f}"
          f"   {state.moved / arguments.tokens:.0f} bytes moved a token, plain {sum(v.nbytes for v in decoders['pinion'].past.values())} at the end"
          f"   {sum(pair.appended for pair in state.state.pairs)} of {len(state.state.pairs)} appended"
          f"   logits {'the same bits as plain' if not differing else f'differ in {differing} chunks'}")
    far = min(arguments.far, positions(arguments.model) - 1)
    found = behind(arguments.model, inputs, (arguments.near, far), arguments.threads)
    near_all, near_attention = found[arguments.near]
    far_all, far_attention = found[far]
    print(f"a token behind {arguments.near} positions {near_all:.3f} ms, behind {far} {far_all:.3f} ms: {far_all - near_all:+.3f} ms,"
          f" of which attention {far_attention - near_attention:+.3f} ms")


def positions(path):
    """How many positions the model has a table for."""
    graph = onnx.load(path, load_external_data=False).graph
    tables = [init.dims[0] for init in graph.initializer if len(init.dims) == 2 and ("wpe" in init.name or "position" in init.name)]
    return min(tables, default=1 << 30)


if __name__ == "__main__":
    main()
