import Glibc
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// com.microsoft's linear attention over tokens one behind the other, of sequences of several lengths: LinearAttention whose decay, rate and
/// normalisation of queries and keys may be computed here, and whose state lies with the values' axis first.
package struct GatedDeltaNet: CPUExecutable {
  enum Gate: String, CaseIterable, Sendable { case none, softplus, qwen, sigmoid, kda }
  enum RateFunction: String, CaseIterable, Sendable { case none, sigmoid }

  package static let schema = Schema(
    "GatedDeltaNet", domain: "com.microsoft", since: 1,
    inputs: [
      "query: T", "key?: T", "value?: T", "cu_seqlens?: int32", "decay?: G", "beta?: G", "initial_state?: float32", "a_log?: float32",
      "dt_bias?: float32",
    ], outputs: ["output: T", "final_state?: float32"],
    types: ["T": [.float32, .float16, .bfloat16], "G": [.float32, .float16, .bfloat16]])
  package static var computesHalfInFloat32: Bool { true }
  let rule: LinearAttention.Rule
  let scale: Float
  let gate: Gate
  let rate: RateFunction
  let normalizes: Bool
  let bound: Float

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    rule = try attributes.choice("update_rule", default: .gatedDelta)
    scale = try attributes.float("scale", default: 0)
    gate = try attributes.choice("gate_activation", default: .none)
    rate = try attributes.choice("beta_activation", default: .none)
    normalizes = try attributes.bool("qk_l2_norm")
    bound = try attributes.float("gate_lower_bound", default: -5)
    let capacity = try attributes.int("state_update_capacity", default: 0)
    guard capacity == 0 else { throw .unsupported("GatedDeltaNet that gives its state's changes (attribute 'state_update_capacity')") }
    attributes.ignore("chunk_size")
  }

  private struct Form: Sendable {
    let tokens: Int
    let sequences: Int
    let keyHeads: Int
    let valueHeads: Int
    let keySize: Int
    let valueSize: Int
    /// Elements from one token's queries, keys or values to the next, and where they begin in it.
    let strides: (q: Int, k: Int, v: Int)
    let starts: (k: Int, v: Int)
    let inputs: (k: Int, v: Int)
    /// Numbers of decay for each token and head: 0, 1 or one for each row of the state; and addends before its function for each head.
    let decays: Int
    let shifts: Int
  }

  private func form(_ context: InferenceContext) throws(PinionError) -> Form {
    let query = try context.type(0, rank: 2...4), state = context.optionalType(6)
    if let state, state.rank != 4 { throw .invalidShape("input 'initial_state' is \(state), expected rank 4") }
    let isPacked = !context.has(1) && !context.has(2)
    let tokens: Int, keyHeads: Int, valueHeads: Int, keySize: Int, valueSize: Int
    if isPacked {
      guard query.rank == 2, let state else { throw .invalidShape("packed queries are \(query), expected rank 2 and an initial_state") }
      (tokens, valueHeads, valueSize, keySize) = (query.dims[0], state.dims[1], state.dims[2], state.dims[3])
      let values = try valueHeads.multiplied(by: valueSize), rest = query.dims[1] &- values
      guard keySize > 0, rest >= 0, rest % (2 &* keySize) == 0 else {
        throw .invalidShape("packed queries are \(query), which do not fit the state \(state)")
      }
      keyHeads = rest / (2 &* keySize)
    } else {
      guard query.rank >= 3 else { throw .invalidShape("input 'query' is \(query), expected rank 3 or 4") }
      let key = try context.type(1), value = try context.type(2), lead = Array(query.dims.dropLast(2))
      guard key.dims == query.dims, value.rank == query.rank, Array(value.dims.dropLast(2)) == lead else {
        throw .invalidShape("query \(query), key \(key) and value \(value) do not fit together")
      }
      tokens = query.shape.count(0..<query.rank - 2)
      (keyHeads, keySize) = (query.dims[query.rank - 2], query.dims[query.rank - 1])
      (valueHeads, valueSize) = (value.dims[value.rank - 2], value.dims[value.rank - 1])
    }
    guard keyHeads > 0, valueHeads > 0, valueHeads % keyHeads == 0 else {
      throw .invalidShape("\(valueHeads) heads of values are no multiple of \(keyHeads) heads of keys")
    }
    var sequences = query.rank == 4 ? query.dims[0] : state?.dims[0]
    if let lengths = context.optionalType(3) {
      guard lengths.rank == 1, lengths.count > 0, query.rank < 4 else {
        throw .invalidShape("input 'cu_seqlens' is \(lengths) beside queries \(query), expected a vector and tokens on one axis")
      }
      sequences = lengths.count - 1
    }
    guard let sequences else { throw .invalidShape("neither cu_seqlens nor initial_state tells how many sequences there are") }
    guard sequences > 0 ? context.has(3) || tokens % sequences == 0 : tokens == 0 else {
      throw .invalidShape("\(tokens) tokens are no \(sequences) sequences of one length")
    }
    try context.check(6, dims: [sequences, valueHeads, valueSize, keySize])
    guard !rule.hasDecay || context.has(4), !rule.hasRate || context.has(5) else {
      throw .invalidModel("update rule '\(rule.rawValue)' lacks its decay or beta")
    }
    let lead = isPacked ? [tokens] : Array(query.dims.dropLast(2))
    var decays = 0, shifts = 0
    if rule.hasDecay {
      let decay = try context.type(4)
      decays = decay.rank > lead.count + 1 ? keySize : 1
      try context.check(4, dims: lead + (decays == 1 && decay.rank == lead.count + 1 ? [valueHeads] : [valueHeads, keySize]))
      if gate != .none {
        guard context.has(7), let bias = context.optionalType(8) else { throw .invalidModel("a gate's function lacks its a_log or dt_bias") }
        try context.check(7, dims: [valueHeads])
        shifts = bias.count == valueHeads ? 1 : keySize
        guard bias.count == valueHeads &* shifts, shifts == 1 || decays == keySize else {
          throw .invalidShape("input 'dt_bias' is \(bias), expected \(valueHeads) elements, or \(valueHeads) times \(keySize)")
        }
      }
    }
    if rule.hasRate { try context.check(5, dims: lead + [valueHeads]) }
    let keys = keyHeads &* keySize, values = valueHeads &* valueSize
    return Form(
      tokens: tokens, sequences: sequences, keyHeads: keyHeads, valueHeads: valueHeads, keySize: keySize, valueSize: valueSize,
      strides: isPacked ? (query.dims[1], query.dims[1], query.dims[1]) : (keys, keys, values), starts: isPacked ? (keys, 2 &* keys) : (0, 0),
      inputs: isPacked ? (0, 0) : (1, 2), decays: decays, shifts: shifts)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let form = try form(context), query = try context.type(0)
    let lead = query.rank == 2 ? [form.tokens] : Array(query.dims.dropLast(2))
    return [
      TensorType(query.element, try Shape(lead + [form.valueHeads, form.valueSize])),
      TensorType(.float32, try Shape([form.sequences, form.valueHeads, form.valueSize, form.keySize])),
    ]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let query = context[0], value = context[2], state = context[6]
    guard let rank = query.rank, rank >= 2 else { return [Fact(element: query.element), Fact(element: .float32)] }
    let heads = value.extent(rank - 2) ?? state.extent(1), size = value.extent(rank - 1) ?? state.extent(2)
    let lead = rank == 2 ? [query.extent(0)] : (0..<(rank - 2)).map { query.extent($0) }
    return [
      Fact(query.element, lead + [heads, size]),
      Fact(.float32, [state.extent(0) ?? (rank == 4 ? query.extent(0) : nil), heads, size, rank == 2 ? state.extent(3) : query.extent(rank - 1)]),
    ]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    guard try context.type(0).element == .float32 else { throw context.unsupportedTypes() }
    for index in [4, 5] where context.optionalType(index).map({ $0.element != .float32 }) == true { throw context.unsupportedTypes() }
    let form = try form(context.inference)
    let walk = Walk(
      form: form, rule: rule, scale: scale == 0 ? 1 / Float(max(form.keySize, 1)).squareRoot() : scale, gate: gate, rate: rate,
      normalizes: normalizes, bound: bound, hasLengths: context.has(3), hasPast: context.has(6), keepsState: context.wants(output: 1))
    // A state with the keys' axis first, a query, a key and what a row changes by.
    let lane = try form.keySize.multiplied(by: form.valueSize).adding(2 &* form.keySize).adding(form.valueSize).multiplied(by: 4)
    let heads = form.valueHeads
    return .parallel(tasks: form.valueSize == 0 ? 0 : form.sequences &* heads, laneScratchBytes: lane) { (frame, task) throws(PinionError) in
      try walk.run(frame, sequence: task / heads, head: task % heads)
    }
  }

  private struct Walk: Sendable {
    let form: Form
    let rule: LinearAttention.Rule
    let scale: Float
    let gate: Gate
    let rate: RateFunction
    let normalizes: Bool
    let bound: Float
    let hasLengths: Bool
    let hasPast: Bool
    let keepsState: Bool

    private func tokens(_ frame: KernelFrame, _ sequence: Int) throws(PinionError) -> Range<Int> {
      guard hasLengths else {
        let length = form.tokens / max(form.sequences, 1)
        return sequence &* length..<(sequence &+ 1) &* length
      }
      let ends = frame.input(3, as: Int32.self)
      let start = Int(ends[sequence]), end = Int(ends[sequence &+ 1])
      guard ends[0] == 0, Int(ends[form.sequences]) == form.tokens, 0 <= start, start <= end, end <= form.tokens else {
        throw .invalidValue("cu_seqlens goes from \(start) to \(end) in sequence \(sequence), expected steps from 0 to \(form.tokens)")
      }
      return start..<end
    }

    private func load(_ frame: KernelFrame, _ input: Int, _ start: Int, _ target: UnsafeMutablePointer<Float>) {
      let source = frame.input(input, as: Float.self) + start
      var factor: Float = 1
      if normalizes {
        var sum: Float = 0
        for row in 0..<form.keySize { sum += source[row] * source[row] }
        factor = 1 / (sum + 1e-12).squareRoot()
      }
      for row in 0..<form.keySize { target[row] = source[row] * factor }
    }

    private func decay(_ frame: KernelFrame, _ token: Int, _ head: Int, _ row: Int) -> Float {
      let given = frame.input(4, as: Float.self)[(token &* form.valueHeads &+ head) &* form.decays &+ row]
      guard gate != .none else { return expf(given) }
      let shifted = given + frame.input(8, as: Float.self)[head &* form.shifts &+ (form.shifts == 1 ? 0 : row)]
      let factor = expf(frame.input(7, as: Float.self)[head])
      switch gate {
      case .softplus, .qwen: return expf(-factor * (shifted > 20 ? shifted : log1pf(expf(shifted))))
      default: return expf(bound / (1 + expf(-factor * shifted)))
      }
    }

    func run(_ frame: KernelFrame, sequence: Int, head: Int) throws(PinionError) {
      let rows = form.keySize, columns = form.valueSize, keyHead = head / (form.valueHeads / form.keyHeads)
      let state = frame.laneScratch.assumingMemoryBound(to: Float.self)
      let query = state + rows &* columns, key = query + rows, change = key + rows
      let place = (sequence &* form.valueHeads &+ head) &* rows &* columns
      var poll = Poll(frame.control)
      let work = columns / 4 &+ 1
      for row in 0..<rows {
        try poll.count(columns)
        if hasPast {
          let past = frame.input(6, as: Float.self) + place
          for column in 0..<columns { state[row &* columns &+ column] = past[column &* rows &+ row] }
        } else {
          (state + row &* columns).update(repeating: 0, count: columns)
        }
      }
      for token in try tokens(frame, sequence) {
        try poll.count(rows &+ 16)
        load(frame, 0, token &* form.strides.q &+ keyHead &* rows, query)
        load(frame, form.inputs.k, token &* form.strides.k &+ form.starts.k &+ keyHead &* rows, key)
        let value = frame.input(form.inputs.v, as: Float.self) + (token &* form.strides.v &+ form.starts.v &+ head &* columns)
        if form.decays > 0 {
          var factor = decay(frame, token, head, 0)
          for row in 0..<rows {
            try poll.count(work)
            if form.decays > 1, row > 0 { factor = decay(frame, token, head, row) }
            for column in 0..<columns { state[row &* columns &+ column] *= factor }
          }
        }
        if rule.hasRate {
          let given = frame.input(5, as: Float.self)[token &* form.valueHeads &+ head]
          let rate = self.rate == .sigmoid ? 1 / (1 + expf(-given)) : given
          for column in 0..<columns { change[column] = 0 }
          for row in 0..<rows {
            try poll.count(work)
            for column in 0..<columns { change[column] += state[row &* columns &+ column] * key[row] }
          }
          for column in 0..<columns { change[column] = rate * (value[column] - change[column]) }
        } else {
          change.update(from: value, count: columns)
        }
        let result = frame.output(0, as: Float.self) + (token &* form.valueHeads &+ head) &* columns
        for column in 0..<columns { result[column] = 0 }
        for row in 0..<rows {
          try poll.count(2 &* work)
          let line = state + row &* columns, weight = scale * query[row]
          for column in 0..<columns {
            line[column] += key[row] * change[column]
            result[column] += weight * line[column]
          }
        }
      }
      guard keepsState else { return }
      let target = frame.output(1, as: Float.self) + place
      for row in 0..<rows {
        try poll.count(columns)
        for column in 0..<columns { target[column &* rows &+ row] = state[row &* columns &+ column] }
      }
    }
  }
}
