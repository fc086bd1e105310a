import Pinion

/// A language model's inputs and outputs by what exporters call them, and the caches of the sequences under way.
struct Generation {
  let session: Session
  /// Nil for a model without caches.
  let state: State?
  private let batch: Int
  private let roles: [(index: Int, info: ValueInfo, role: Role)]
  private let logits: Int
  /// The model takes one token at a time.
  private let isSingle: Bool

  private enum Role {
    case ids, mask, positions
    /// Positions without a batch.
    case cachePositions
    /// Whether there is a past.
    case usesCache
    case totalLength, pastLength
    /// The last position of each sequence.
    case lastPositions
  }

  private static let roles: [String: Role] = [
    "input_ids": .ids, "decoder_input_ids": .ids, "tokens": .ids, "token_ids": .ids, "attention_mask": .mask, "decoder_attention_mask": .mask,
    "position_ids": .positions, "decoder_position_ids": .positions, "cache_position": .cachePositions, "use_cache_branch": .usesCache,
    "total_sequence_length": .totalLength, "past_sequence_length": .pastLength, "seqlens_k": .lastPositions,
  ]

  init(_ session: Session, batch: Int, capacity: Int) throws(Failure) {
    self.session = session
    self.batch = batch
    let model = session.model, pairs = model.recognisedPairs
    state = try failing(.model) { () throws(PinionError) in pairs.isEmpty ? nil : try State(session, pairs: pairs, capacity: capacity) }
    var roles: [(index: Int, info: ValueInfo, role: Role)] = []
    for (index, info) in model.inputs.enumerated() where !pairs.contains(where: { $0.input == info.name }) {
      guard let role = Generation.roles[info.name] else {
        throw Failure(
          .model, "input '\(info.name)' is none that this command knows how to fill; it knows " + listed(Generation.roles.keys.sorted(), ""))
      }
      roles.append((index, info, role))
    }
    guard let ids = roles.first(where: { if case .ids = $0.role { true } else { false } }) else {
      throw Failure(.model, "the model has no input of token ids, such as 'input_ids'")
    }
    self.roles = roles
    isSingle = if case .tensor(_, let dims?)? = ids.info.type, dims.count == 2, dims[1] == .known(1) { true } else { false }
    let outputs = model.outputs
    let free = outputs.indices.filter { index in !pairs.contains { $0.output == outputs[index].name } }
    guard let logits = free.first(where: { outputs[$0].name == "logits" }) ?? free.first else {
      throw Failure(.model, "the model has no output of logits")
    }
    self.logits = logits
  }

  /// The most likely next token of each sequence. What the state holds already is not read again.
  mutating func next(_ sequences: [[Int64]], limits: RunLimits) throws(Failure) -> [Int64] {
    let total = sequences[0].count
    var past = state?.length ?? 0
    var result: [Int64] = []
    repeat {
      let count = isSingle ? 1 : total - past
      result = try failing(.run) { () throws(PinionError) in
        let inputs = try inputs(sequences, past: past, count: count)
        let outputs =
          if let state {
            try session.run(inputs, wanted: [logits], state: state, limits: limits)
          } else {
            try session.run(inputs, wanted: [logits], limits: limits)
          }
        return try largest(try outputs[0].asTensor())
      }
      past += count
    } while past < total
    return result
  }

  private func inputs(_ sequences: [[Int64]], past: Int, count: Int) throws(PinionError) -> [Value?] {
    var values = [Value?](repeating: nil, count: session.model.inputs.count)
    let new = past..<(past + count)
    for (index, info, role) in roles { values[index] = .tensor(try tensor(role, info, sequences, new: new)) }
    return values
  }

  private func tensor(_ role: Role, _ info: ValueInfo, _ sequences: [[Int64]], new: Range<Int>) throws(PinionError) -> Tensor {
    let past = new.lowerBound, total = new.upperBound
    switch role {
    case .ids: return try numbers(sequences.flatMap { Array($0[new]) }, try Shape([batch, new.count]), info)
    case .mask: return try numbers([Int64](repeating: 1, count: batch * total), try Shape([batch, total]), info)
    case .positions: return try numbers((0..<batch).flatMap { _ in new.map(Int64.init) }, try Shape([batch, new.count]), info)
    case .cachePositions: return try numbers(new.map(Int64.init), .vector(new.count), info)
    case .usesCache: return try numbers([past > 0 ? 1 : 0], .vector(1), info)
    case .totalLength: return try numbers([Int64(total)], info.isScalar ? .scalar : .vector(1), info)
    case .pastLength: return try numbers([Int64(past)], info.isScalar ? .scalar : .vector(1), info)
    case .lastPositions:
      return try numbers([Int64](repeating: Int64(total - 1), count: batch), try Shape(info.isMatrix ? [batch, 1] : [batch]), info)
    }
  }

  /// A tensor of the input's type.
  private func numbers(_ values: [Int64], _ shape: Shape, _ info: ValueInfo) throws(PinionError) -> Tensor {
    guard case .tensor(let element, _)? = info.type else { return try Tensor(values, shape) }
    switch element {
    case .int64: return try Tensor(values, shape)
    case .int32:
      var narrow: [Int32] = []
      for value in values { narrow.append(try value.converted()) }
      return try Tensor(narrow, shape)
    case .bool: return try Tensor(values.map { $0 != 0 }, shape)
    case .float32: return try Tensor(values.map { Float($0) }, shape)
    case .float16: return try Tensor(values.map { Float16($0) }, shape)
    default: throw .unsupported("input '\(info.name)' is of \(element), expected integers")
    }
  }

  /// The place of the largest logit of each sequence's last token.
  private func largest(_ logits: Tensor) throws(PinionError) -> [Int64] {
    guard logits.shape.rank >= 2, logits.shape[0] == batch, let vocabulary = logits.shape.dims.last, vocabulary > 0,
      logits.count % (batch * vocabulary) == 0, logits.count > 0
    else { throw .invalidShape("the logits are \(logits.type), expected a row for each token of \(batch) sequences") }
    let rows = logits.count / vocabulary / batch
    func choose<T: Element & BinaryFloatingPoint>(_: T.Type) throws(PinionError) -> [Int64] {
      let values = try logits.unsafeElements(as: T.self)
      return (0..<batch).map { sequence in
        let start = (sequence * rows + rows - 1) * vocabulary
        var best = 0
        for index in 0..<vocabulary where values[start + index] > values[start + best] || values[start + best].isNaN { best = index }
        return Int64(best)
      }
    }
    switch logits.element {
    case .float32: return try choose(Float.self)
    case .float16: return try choose(Float16.self)
    case .float64: return try choose(Double.self)
    default: throw .unsupported("the logits are \(logits.type), expected float32, float16 or float64")
    }
  }
}

extension ValueInfo {
  fileprivate var isScalar: Bool { if case .tensor(_, let dims?)? = type { dims.isEmpty } else { false } }
  fileprivate var isMatrix: Bool { if case .tensor(_, let dims?)? = type { dims.count == 2 } else { false } }
}
