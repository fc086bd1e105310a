import CKernels
import Glibc
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// What mixtures of experts share: each token goes to the few experts that a router prefers, through two layers with a function between them
/// (or through a gate beside the first layer), and the results are added by weight.
struct ExpertMixture: Sendable {
  enum Function: String, CaseIterable, Sendable { case relu, gelu, silu, swiglu, identity }
  /// Where the gate and what it is multiplied with lie: in two layers, or in one, by turns or one behind the other.
  enum Fusion: Int, Sendable { case none, interleaved, concatenated }

  let top: Int
  let normalizes: Bool
  let function: Function
  let fusion: Fusion
  let alpha: Float
  let beta: Float
  let limit: Float

  init(_ attributes: inout AttributeReader) throws(PinionError) {
    top = try attributes.int("k", default: 1, in: 1...(1 << 20))
    normalizes = try attributes.bool("normalize_routing_weights")
    function = try attributes.choice("activation_type", default: .relu)
    let fusion = try attributes.int("swiglu_fusion", default: 0, in: 0...2)
    self.fusion = function == .swiglu ? Fusion(rawValue: fusion) ?? .none : .none
    alpha = try attributes.float("activation_alpha", default: 1)
    beta = try attributes.float("activation_beta", default: 0)
    let limit = try attributes.optionalFloat("swiglu_limit")
    self.limit = limit ?? .infinity
    guard self.limit >= 0 else { throw .invalidModel("attribute 'swiglu_limit' is \(self.limit), expected no negative number") }
    for name in ["use_sparse_mixer", "swiglu_limit_after_activation"] where try attributes.bool(name) {
      throw .unsupported("a mixture of experts with attribute '\(name)'")
    }
  }

  /// Rows of the first layer for each number between the layers.
  var width: Int { fusion == .none ? 1 : 2 }

  /// The inputs of one layer, of which only the weights have to be there.
  struct Operands {
    let weights: Int
    let bias: Int
  }

  struct Extents: Sendable {
    let tokens: Int
    let hidden: Int
    let inner: Int
    let experts: Int
  }

  /// Checks the operands' extents but for those of the weights' last axes, which `depth` gives.
  func extents(
    _ context: InferenceContext, first: Operands, second: Operands, gate: Operands, routing: Int? = nil,
    depth: (_ input: Int) throws(PinionError) -> Int
  ) throws(PinionError) -> Extents {
    let x = try context.type(0, rank: 2...3), router = try context.type(1, rank: 2)
    let hidden = x.dims[x.rank - 1], experts = router.dims[1]
    let tokens = x.shape.count(0..<x.rank - 1)
    guard router.dims[0] == tokens, top <= experts else {
      throw .invalidShape("input '\(context.name(of: 1))' is \(router), expected a row of at least \(top) experts for each of \(tokens) tokens")
    }
    if let routing { try context.check(routing, dims: router.dims) }
    let inner = try context.type(first.weights, rank: 3).dims[1] / width
    guard (function == .swiglu && fusion == .none) ? context.has(gate.weights) : (fusion == .none || !context.has(gate.weights)) else {
      throw .invalidModel("the gate of an activation 'swiglu' is input '\(context.name(of: gate.weights))' without fusion, and only then")
    }
    for (layer, rows, columns) in [(first, inner &* width, hidden), (second, hidden, inner), (gate, inner, hidden)] {
      guard let weights = context.optionalType(layer.weights) else { continue }
      guard weights.rank == 3, weights.dims[0] == experts, weights.dims[1] == rows, try depth(layer.weights) == columns else {
        throw .invalidShape("input '\(context.name(of: layer.weights))' is \(weights), expected \(experts) times \(rows) rows of \(columns)")
      }
      try context.check(layer.bias, dims: [experts, rows])
    }
    return Extents(tokens: tokens, hidden: hidden, inner: inner, experts: experts)
  }

  func operations(inputs: [TensorType?], layers: [(weights: Int, depth: Int)]) -> Int {
    guard inputs.count > 1, let x = inputs[0], let last = x.dims.last, last > 0 else { return 0 }
    var sum = 0
    for layer in layers {
      guard layer.weights < inputs.count, let weights = inputs[layer.weights], weights.rank == 3 else { continue }
      sum &+= 2 &* (x.count / last) &* top &* weights.dims[1] &* layer.depth
    }
    return sum
  }

  /// The stages for all tokens, some of them at a time so that what lies between the layers stays small.
  func stages(
    _ extents: Extents, first: ExpertLayer, second: ExpertLayer, gate: ExpertLayer?, routing: Int?, _ preparation: inout Preparation
  ) throws(PinionError) -> (stages: [Kernel.Stage], laneScratchBytes: Int) {
    guard extents.tokens > 0, extents.hidden > 0 else { return ([], 0) }
    let width = try (first.rows &+ (gate?.rows ?? 0) &+ second.rows).multiplied(by: top).multiplied(by: 4)
    let tokens = min(extents.tokens, max(64, (1 << 27) / max(width, 1)))
    let slots = try tokens.multiplied(by: top)
    var room = Room(
      choice: try preparation.reserve(try slots.multiplied(by: 8)), weight: try preparation.reserve(try slots.multiplied(by: 4)),
      starts: try preparation.reserve(try (extents.experts &+ 2).multiplied(by: 8)),
      token: try preparation.reserve(try slots.multiplied(by: 8)), place: try preparation.reserve(try slots.multiplied(by: 8)))
    room.inner = try preparation.reserve(try slots.multiplied(by: first.rows).multiplied(by: 4))
    if let gate { room.gate = try preparation.reserve(try slots.multiplied(by: gate.rows).multiplied(by: 4)) }
    room.result = try preparation.reserve(try slots.multiplied(by: second.rows).multiplied(by: 4))
    var stages: [Kernel.Stage] = [], lane = try max(extents.inner, 1).multiplied(by: 4)
    let activation = try self.activation(extents, hasGate: gate != nil)
    var start = 0
    while start < extents.tokens {
      let part = Part(room: room, start: start, count: min(tokens, extents.tokens &- start), extents: extents)
      stages += [choose(part, routing), sort(part)]
      var layers = [try first.stage(part, reads: nil, stride: extents.hidden, to: room.inner)]
      if let gate { layers.append(try gate.stage(part, reads: nil, stride: extents.hidden, to: room.gate)) }
      stages += layers.map(\.stage)
      stages.append(activation(part))
      layers.append(try second.stage(part, reads: room.inner, stride: first.rows, to: room.result))
      stages += [layers[layers.count - 1].stage, combine(part)]
      for layer in layers { lane = max(lane, layer.laneScratchBytes) }
      start &+= part.count
    }
    return (stages, lane)
  }

  /// Offsets into the kernel's scratch memory.
  struct Room: Sendable {
    /// For each token its experts and their weights.
    let choice: Int
    let weight: Int
    /// For each expert the first of its rows; rows are in the order of experts.
    let starts: Int
    /// For each row its token, and for each of a token's experts its row.
    let token: Int
    let place: Int
    /// What the layers give, a row for each row.
    var inner = 0
    var gate = 0
    var result = 0
  }

  /// Tokens that are worked on together.
  struct Part: Sendable {
    let room: Room
    let start: Int
    let count: Int
    let extents: Extents
  }

  private func choose(_ part: Part, _ routing: Int?) -> Kernel.Stage {
    let (top, experts, room, normalizes) = (top, part.extents.experts, part.room, normalizes)
    return .ranges(part.count, grain: max(1, (1 << 15) / max(experts, 1))) { (frame, range) throws(PinionError) in
      var poll = Poll(frame.control)
      for token in range {
        try poll.count(experts)
        let row = (part.start &+ token) &* experts
        let scores = frame.input(1, as: Float.self) + row
        let chosen = (frame.scratch + room.choice).assumingMemoryBound(to: Int.self) + token &* top
        let weights = (frame.scratch + room.weight).assumingMemoryBound(to: Float.self) + token &* top
        var count = 0
        for expert in 0..<experts {
          // Of equal scores the first one counts.
          guard count < top || scores[expert] > scores[chosen[top &- 1]] else { continue }
          var place = count < top ? count : top &- 1
          count = min(count &+ 1, top)
          while place > 0, scores[expert] > scores[chosen[place &- 1]] {
            chosen[place] = chosen[place &- 1]
            place &-= 1
          }
          try poll.count(top)
          chosen[place] = expert
        }
        var sum: Float = 0
        if let routing {
          let given = frame.input(routing, as: Float.self) + row
          for slot in 0..<top {
            weights[slot] = given[chosen[slot]]
            sum += weights[slot]
          }
          if !normalizes { sum = 1 }
        } else {
          let largest = scores[chosen[0]]
          for slot in 0..<top { weights[slot] = expf(scores[chosen[slot]] - largest) }
          if normalizes {
            for slot in 0..<top { sum += weights[slot] }
          } else {
            for expert in 0..<experts { sum += expf(scores[expert] - largest) }
          }
        }
        for slot in 0..<top { weights[slot] /= sum }
      }
    }
  }

  /// Puts rows in the order of their experts, and those of an expert in that of their tokens.
  private func sort(_ part: Part) -> Kernel.Stage {
    let (top, experts, room) = (top, part.extents.experts, part.room)
    return Kernel.Stage(tasks: 1) { (frame, _) throws(PinionError) in
      var poll = Poll(frame.control)
      let chosen = (frame.scratch + room.choice).assumingMemoryBound(to: Int.self)
      // Starts are counted one place behind, so that they are where they belong once all rows have a place.
      let starts = (frame.scratch + room.starts).assumingMemoryBound(to: Int.self)
      let tokens = (frame.scratch + room.token).assumingMemoryBound(to: Int.self)
      let places = (frame.scratch + room.place).assumingMemoryBound(to: Int.self)
      for expert in 0..<experts &+ 2 { starts[expert] = 0 }
      for slot in 0..<part.count &* top {
        try poll.count()
        starts[chosen[slot] &+ 2] &+= 1
      }
      for expert in 2..<experts &+ 2 { starts[expert] &+= starts[expert &- 1] }
      for slot in 0..<part.count &* top {
        try poll.count()
        let place = starts[chosen[slot] &+ 1]
        starts[chosen[slot] &+ 1] = place &+ 1
        tokens[place] = part.start &+ slot / top
        places[slot] = place
      }
    }
  }

  /// The function between the layers, in place: the first numbers of a row of the first layer take its results.
  private func activation(_ extents: Extents, hasGate: Bool) throws(PinionError) -> @Sendable (Part) -> Kernel.Stage {
    let (inner, fusion, beta, limit, top, function) = (extents.inner, fusion, beta, limit, top, function)
    let stride = inner &* width
    let kind: pk_unary_op? =
      switch function {
      case .relu: PK_UNARY_RELU
      case .gelu: PK_UNARY_GELU_TANH
      case .silu, .swiglu: PK_UNARY_SWISH
      case .identity: nil
      }
    let apply = kind.flatMap { pk_unary_kernel(pk_isa_best(), $0, PK_F32) }
    let parameters = pk_params(Double(function == .swiglu ? alpha : 1))
    return { part in
      .ranges(part.count &* top, grain: max(1, elementwiseGrain / max(stride, 1))) { (frame, range) throws(PinionError) in
        let rows = (frame.scratch + part.room.inner).assumingMemoryBound(to: Float.self)
        let gates = (frame.scratch + part.room.gate).assumingMemoryBound(to: Float.self)
        let linear = frame.laneScratch.assumingMemoryBound(to: Float.self)
        var poll = Poll(frame.control)
        for row in range {
          try poll.count(stride)
          let x = rows + row &* stride
          var factors: UnsafeMutablePointer<Float>? = hasGate ? gates + row &* inner : nil
          if fusion != .none {
            for index in 0..<inner { linear[index] = fusion == .interleaved ? x[2 &* index &+ 1] : x[inner &+ index] }
            if fusion == .interleaved { for index in 0..<inner { x[index] = x[2 &* index] } }
            factors = linear
          }
          if function == .swiglu, let factors {
            for index in 0..<inner {
              x[index] = x[index] > limit ? limit : x[index]
              let factor = factors[index]
              factors[index] = (factor > limit ? limit : factor < -limit ? -limit : factor) + beta
            }
          }
          withUnsafePointer(to: parameters) { apply?(x, x, inner, $0) }
          if let factors { for index in 0..<inner { x[index] *= factors[index] } }
        }
      }
    }
  }

  private func combine(_ part: Part) -> Kernel.Stage {
    let (top, hidden, room) = (top, part.extents.hidden, part.room)
    return .ranges(part.count, grain: max(1, elementwiseGrain / max(hidden &* top, 1))) { (frame, range) throws(PinionError) in
      var poll = Poll(frame.control)
      for token in range {
        let y = frame.output(0, as: Float.self) + (part.start &+ token) &* hidden
        let places = (frame.scratch + room.place).assumingMemoryBound(to: Int.self) + token &* top
        let weights = (frame.scratch + room.weight).assumingMemoryBound(to: Float.self) + token &* top
        let rows = (frame.scratch + room.result).assumingMemoryBound(to: Float.self)
        for slot in 0..<top {
          try poll.count(hidden / 4 &+ 1)
          let row = rows + places[slot] &* hidden, weight = weights[slot]
          if slot == 0 {
            for index in 0..<hidden { y[index] = weight * row[index] }
          } else {
            for index in 0..<hidden { y[index] += weight * row[index] }
          }
        }
      }
    }
  }
}

/// One layer of all experts: for each expert a matrix of `rows` rows of `depth` numbers, and perhaps as many addends as rows.
struct ExpertLayer: Sendable {
  enum Weights: Sendable {
    case numbers
    /// As pk_nbits has them, the experts one behind the other.
    case codes(bits: Int, block: Int, scales: Preparation.Place, zeros: Preparation.Place?)
  }

  let input: Int
  let bias: Int?
  let rows: Int
  let depth: Int
  let weights: Weights

  /// Tokens that are multiplied with a panel of weights at a time.
  private static var height: Int { 64 }

  /// The product of each expert's tokens with its matrix.
  /// - Parameters:
  ///   - source: where in the scratch memory the rows lie; nil for input 0, of which each row names its token.
  ///   - stride: from one row of the source to the next.
  ///   - target: where in the scratch memory the results go.
  func stage(
    _ part: ExpertMixture.Part, reads source: Int?, stride: Int, to target: Int
  ) throws(PinionError) -> (stage: Kernel.Stage, laneScratchBytes: Int) {
    let isa = pk_isa_best(), layer = self, room = part.room, experts = part.extents.experts
    let (rows, depth, height) = (rows, depth, Self.height)
    guard rows > 0 else { return (Kernel.Stage(tasks: 0) { _, _ in }, 0) }
    let columns = min(rows, max(32, min(256, (1 << 18) / max(depth, 1) / 32 &* 32)))
    let pieces = (rows &- 1) / columns &+ 1
    var product = pk_sgemm()
    (product.m, product.n, product.k) = (height, columns, depth)
    (product.lda, product.ldb, product.ldc) = (stride, depth, rows)
    product.alpha = 1
    let panel = try alignedUp(try scratchSize(pk_sgemm_packed_b_bytes(isa, depth, columns)), to: Buffer.alignment)
    let gathered = try alignedUp(try height.multiplied(by: depth).multiplied(by: 4), to: Buffer.alignment)
    let few = try alignedUp(4 &* layer.preparedFloats &* 4, to: Buffer.alignment)
    let block = try scratchSize(pk_sgemm_scratch_bytes(isa, &product, height, columns))
    guard let dots = pk_dots_kernel(isa, PK_F32) else { throw .internal("no products of rows") }
    let stage = Kernel.Stage(tasks: experts &* pieces) { (frame, task) throws(PinionError) in
      let starts = (frame.scratch + room.starts).assumingMemoryBound(to: Int.self)
      let expert = task / pieces, first = task % pieces &* columns, count = min(columns, rows &- first)
      let begin = starts[expert], end = starts[expert &+ 1]
      guard end > begin else { return }
      let tokens = (frame.scratch + room.token).assumingMemoryBound(to: Int.self)
      let results = (frame.scratch + target).assumingMemoryBound(to: Float.self)
      func row(_ index: Int) -> UnsafePointer<Float> {
        if let source { return UnsafePointer((frame.scratch + source).assumingMemoryBound(to: Float.self) + index &* stride) }
        return frame.input(0, as: Float.self) + tokens[index] &* stride
      }
      let addends = layer.bias.map { frame.input($0, as: Float.self) + (expert &* rows &+ first) }
      if end &- begin <= 4, layer.multiplyFew(frame, dots, expert, first, count, begin..<end, row, results) {
        guard let addends else { return }
        for index in begin..<end {
          let y = results + (index &* rows &+ first)
          for column in 0..<count { y[column] += addends[column] }
        }
        return
      }
      let packed = frame.laneScratch.assumingMemoryBound(to: Float.self)
      layer.pack(frame, expert, first, count, packed)
      let lines = (frame.laneScratch + panel).assumingMemoryBound(to: Float.self)
      var g = pk_sgemm()
      (g.n, g.k, g.lda, g.ldb, g.ldc) = (count, depth, stride, depth, rows)
      g.alpha = 1
      g.packed_b = UnsafePointer(packed)
      g.epilogue.col_bias = addends
      for chunk in Swift.stride(from: begin, to: end, by: height) {
        try frame.control.check()
        g.m = min(height, end &- chunk)
        if source == nil {
          for line in 0..<g.m { (lines + line &* depth).update(from: row(chunk &+ line), count: depth) }
          g.a = UnsafePointer(lines)
          g.lda = depth
        } else {
          g.a = row(chunk)
        }
        g.c = results + (chunk &* rows &+ first)
        pk_sgemm_block(isa, &g, 0, g.m, 0, count, frame.laneScratch + (panel &+ gathered))
      }
    }
    return (stage, max(try panel.adding(gathered).adding(block), few))
  }

  /// The extents of a matrix of codes.
  private func matrix(bits: Int, block: Int) -> pk_nbits {
    var b = pk_nbits()
    (b.k, b.block, b.blocks, b.bits) = (depth, block, depth / block, Int32(truncatingIfNeeded: bits))
    return b
  }

  private func matrix(_ frame: KernelFrame, _ expert: Int) -> pk_nbits {
    guard case .codes(let bits, let block, let scales, let zeros) = weights else { return pk_nbits() }
    var b = matrix(bits: bits, block: block)
    let blocks = expert &* rows &* b.blocks
    b.codes = frame.input(input, as: UInt8.self) + blocks &* block &* bits / 8
    b.scale = scales.pointer(frame, as: Float.self) + blocks
    b.zero = zeros.map { $0.pointer(frame, as: Float.self) + blocks }
    return b
  }

  /// Floats of a row of activations as products with codes of 4 bits read it.
  private var preparedFloats: Int {
    guard case .codes(let bits, let block, _, _) = weights, bits == 4 else { return 0 }
    var b = matrix(bits: bits, block: block)
    return pk_nbits_row_floats(&b)
  }

  private func pack(_ frame: KernelFrame, _ expert: Int, _ first: Int, _ count: Int, _ target: UnsafeMutablePointer<Float>) {
    switch weights {
    case .numbers:
      let source = frame.input(input, as: Float.self) + (expert &* rows &+ first) &* depth
      pk_sgemm_pack_b(pk_isa_best(), true, depth, count, source, depth, 0, count, target)
    case .codes:
      var b = matrix(frame, expert)
      pk_nbits_panels(pk_isa_best(), &b, first, first &+ count, target)
    }
  }

  /// Products with few tokens, which read the weights as they are.
  /// - Returns: false where there is no such way.
  private func multiplyFew(
    _ frame: KernelFrame, _ dots: pk_dots_fn, _ expert: Int, _ first: Int, _ count: Int, _ range: Range<Int>,
    _ row: (Int) -> UnsafePointer<Float>, _ results: UnsafeMutablePointer<Float>
  ) -> Bool {
    let target = results + (range.lowerBound &* rows &+ first)
    switch weights {
    case .numbers:
      let source = frame.input(input, as: Float.self) + (expert &* rows &+ first) &* depth
      for (line, index) in range.enumerated() { dots(source, depth, row(index), target + line &* rows, count, depth) }
      return true
    case .codes(let bits, _, _, _):
      guard bits == 4 else { return false }
      var b = matrix(frame, expert)
      let prepared = frame.laneScratch.assumingMemoryBound(to: Float.self), floats = pk_nbits_row_floats(&b)
      for (line, index) in range.enumerated() { pk_nbits_prepare_row(&b, row(index), prepared + line &* floats) }
      pk_nbits_gemv(pk_isa_best(), &b, prepared, range.count, first, first &+ count, target, rows)
      return true
    }
  }
}
