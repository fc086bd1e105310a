import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// LSTM with quantised weights, which numbers meet after they were quantised to uint8 by their range: the input as a whole,
/// the hidden states at each step.
package struct DynamicQuantizeLSTM: CPUExecutable {
  package static let schema = Schema(
    "DynamicQuantizeLSTM", domain: "com.microsoft", since: 1,
    inputs: [
      "X: float32", "W: T2", "R: T3", "B?: float32", "sequence_lens?: int32", "initial_h?: float32", "initial_c?: float32", "P?: float32",
      "W_scale: float32", "W_zero_point: T2", "R_scale: float32", "R_zero_point: T3",
    ], outputs: ["Y?: float32", "Y_h?: float32", "Y_c?: float32"], types: ["T2": .bytes, "T3": .bytes])
  let attributes: RecurrentAttributes
  let couplesForget: Bool

  package init(_ reader: inout AttributeReader) throws(PinionError) {
    guard !reader.has("layout") else { throw .invalidModel("DynamicQuantizeLSTM has no attribute 'layout'") }
    attributes = try RecurrentAttributes(&reader, defaultActivations: ["Sigmoid", "Tanh", "Tanh"])
    couplesForget = try reader.bool("input_forget")
  }

  private func shape(_ context: InferenceContext) throws(PinionError) -> RecurrentShape {
    try RecurrentShape(context, attributes, gates: 4, cellStates: [6], transposedWeights: true)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let shape = try shape(context)
    try context.check(7, dims: [shape.directions, 3 &* shape.hidden])
    for index in 8...11 {
      let type = try context.type(index)
      guard type.dims == [shape.directions] || type.dims == [shape.directions, 4 &* shape.hidden] else {
        throw .invalidShape(
          "input '\(context.name(of: index))' is \(type), expected shape [\(shape.directions)] or [\(shape.directions),\(4 &* shape.hidden)]")
      }
    }
    return try shape.outputs(attributes, element: .float32)
  }

  package func facts(_ context: FactContext) -> [Fact] { attributes.facts(context, element: .float32, transposedWeights: true) }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let shape = try shape(context.inference), hidden = shape.hidden, width = 4 &* hidden
    guard hidden > 0, shape.batch > 0 else { return Kernel(stages: []) }
    var preparation = Preparation(context)
    let rows = shape.steps &* shape.batch, hasLengths = context.has(4)

    // Steps behind the longest sequence have no share in the input's range.
    let stepSize = shape.batch &* shape.inputSize
    let (batch, steps) = (shape.batch, shape.steps)
    let longest: @Sendable (KernelFrame) -> Int = { frame in
      let lengths = frame.input(4, as: Int32.self)
      var longest = 0
      for sequence in 0..<batch { longest = max(longest, Int(lengths[sequence])) }
      return min(longest, steps) &* stepSize
    }
    let measure = DynamicQuantization(count: rows &* shape.inputSize, measured: hasLengths ? longest : nil)
    let range = try preparation.reserve(measure.scratchBytes), codes = try preparation.reserve(rows &* shape.inputSize)
    let gatesStride = try rows.multiplied(by: width)
    let gates = try preparation.reserve(try gatesStride.multiplied(by: shape.directions).multiplied(by: 4))
    let matrices = try MatrixProduct(
      try Shape([rows, shape.inputSize]), try Shape([shape.directions, shape.inputSize, width]), mergesRows: false)
    let weights = try WeightCodes(input: 1, scale: 8, zero: 9, width: width, &preparation, context)
    let projection = IntegerProduct(
      matrices, aIsSigned: false, bIsSigned: weights.isSigned,
      aZero: ProductZero(.scratch(range &+ DynamicQuantization.zeroOffset)), bZero: ProductZero(weights.zeros, perProduct: weights.zeroLines))
    let hasBias = context.has(3)
    let finish: IntegerProduct.Finish = { frame, direction, row, part, sums, _ in
      let start = direction &* gatesStride &+ row &* width &+ part.lowerBound
      let target = (frame.scratch + gates).assumingMemoryBound(to: Float.self) + start
      let scale = (frame.scratch + range).load(as: Float.self)
      weights.write(frame, direction, part, scale, sums, target)
      guard hasBias else { return }
      let bias = frame.input(3, as: Float.self) + (direction &* 2 &* width &+ part.lowerBound)
      for column in 0..<part.count { target[column] += bias[column] + bias[width &+ column] }
    }
    let (project, projectionBytes) = try projection.stage(context, a: { UnsafeRawPointer($0.scratch + codes) }, finish: finish)

    let states = QuantizedStates(
      weights: try WeightCodes(input: 2, scale: 10, zero: 11, width: width, &preparation, context), columns: width, hidden: hidden,
      packed: try PackedCodes(
        context, input: 2, isTransposed: false, stride: width, k: hidden, n: width, aIsSigned: false,
        bIsSigned: try context.type(2).element == .int8))
    let cells: [LSTMCell<Float>] = try LSTMCell.cells(
      attributes, hidden: hidden, couplesForget: couplesForget, peepholes: context.has(7) ? 7 : nil)
    // The range of a step's states is that of the whole batch.
    let walk = try RecurrentWalk(
      shape: shape, attributes: attributes, part: shape.batch, first: states, second: states.withoutColumns, gatesOffset: gates,
      gatesStride: gatesStride, initialState: context.has(5) ? 5 : nil, initialCellState: context.has(6) ? 6 : nil,
      lengths: hasLengths ? 4 : nil, outputs: context.outputs.count, hasCellState: true)
    let recur = Kernel.Stage(tasks: shape.directions) { (frame, direction) throws(PinionError) in
      try walk.run(frame, cells[direction], direction: direction, sequences: 0..<shape.batch)
    }
    var stages = measure.stages(scratch: range) { _, _, _ in }
    stages.append(
      measure.codes(scratch: range) { frame, part in (frame.scratch + (codes &+ part.lowerBound)).assumingMemoryBound(to: UInt8.self) })
    return preparation.kernel(stages + [project, recur], laneScratchBytes: max(projectionBytes, walk.laneBytes))
  }
}

/// Quantised weights of all directions: one scale and zero point for each, or one for each column of each.
private struct WeightCodes: Sendable {
  let input: Int
  let isSigned: Bool
  let scales: Preparation.Place
  let scaleLines: Int
  let zeros: Preparation.Place
  let zeroLines: Int

  init(
    input: Int, scale: Int, zero: Int, width: Int, _ preparation: inout Preparation, _ context: KernelContext
  ) throws(PinionError) {
    self.input = input
    isSigned = try context.type(input).element == .int8
    scales = try preparation.convert(scale, to: .float32)
    zeros = try preparation.convert(zero, to: .int32)
    scaleLines = try context.type(scale).rank == 2 ? width : 1
    zeroLines = try context.type(zero).rank == 2 ? width : 1
  }

  /// The numbers that the sums of some columns stand for.
  @inline(__always)
  func write(
    _ frame: KernelFrame, _ direction: Int, _ columns: Range<Int>, _ scale: Float, _ sums: UnsafePointer<Int32>,
    _ target: UnsafeMutablePointer<Float>
  ) {
    let factors = scales.pointer(frame, as: Float.self) + direction &* scaleLines
    if scaleLines == 1 {
      let factor = scale * factors.pointee
      for column in 0..<columns.count { target[column] = Float(sums[column]) * factor }
    } else {
      for column in 0..<columns.count { target[column] = Float(sums[column]) * (scale * factors[columns.lowerBound &+ column]) }
    }
  }
}

/// Quantised recurrent weights, which meet hidden states that are quantised by the range of those that still run.
private struct QuantizedStates: StateProduct {
  typealias T = Float
  let weights: WeightCodes
  var columns: Int
  let hidden: Int
  let packed: PackedCodes?

  var withoutColumns: QuantizedStates {
    var other = self
    other.columns = 0
    return other
  }

  private func product(rows: Int) -> pk_igemm {
    var g = pk_igemm()
    (g.m, g.n, g.k) = (rows, columns, hidden)
    (g.lda, g.ldb, g.ldc) = (hidden, columns, columns)
    g.b_signed = weights.isSigned
    g.b_zero_per_column = weights.zeroLines != 1
    g.packed_b = packed?.matrix(0)
    return g
  }

  /// The codes of the states, then the product's sums, then what the product needs.
  private func layout(rows: Int) throws(PinionError) -> (sums: Int, own: Int, total: Int) {
    let isa = pk_isa_best()
    var g = product(rows: rows)
    let sums = try alignedUp(try rows.multiplied(by: hidden), to: Buffer.alignment)
    let own = try alignedUp(try sums.adding(try rows.multiplied(by: columns).multiplied(by: 4)), to: Buffer.alignment)
    guard let bytes = Int(exactly: pk_igemm_scratch_bytes(isa, &g, rows, columns)) else { throw .outOfMemory(bytes: .max) }
    return (sums, own, try own.adding(bytes))
  }

  func scratchBytes(rows: Int) throws(PinionError) -> Int { try layout(rows: rows).total }

  func multiply(
    _ frame: KernelFrame, direction: Int, _ states: UnsafePointer<Float>, rows: Int, isRunning: (Int) -> Bool,
    _ product: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer
  ) {
    guard let layout = try? layout(rows: rows) else { return }
    let isa = pk_isa_best()
    var least: Float = 0, greatest: Float = 0
    for row in 0..<rows where isRunning(row) {
      var low: Float = 0, high: Float = 0
      pk_range_f32(isa, states + row &* hidden, hidden, &low, &high)
      (least, greatest) = (min(least, low), max(greatest, high))
    }
    var (scale, zero) = DynamicQuantization.parameters(least, greatest)
    let codes = scratch.assumingMemoryBound(to: UInt8.self)
    withUnsafePointer(to: &scale) { scale in
      withUnsafePointer(to: &zero) { zero in
        var q = pk_quantization()
        (q.scale, q.zero, q.high) = (scale, zero, 255)
        _ = pk_quantize_f32(isa, PK_U8, &q, states, codes, rows &* hidden)
        var g = self.product(rows: rows)
        g.a = UnsafeRawPointer(codes)
        g.b = frame.rawInput(weights.input) + direction &* hidden &* columns
        if let packed { g.packed_b = packed.matrix(direction) }
        g.a_zero = zero
        g.b_zero = weights.zeros.pointer(frame) + direction &* weights.zeroLines
        let sums = (scratch + layout.sums).assumingMemoryBound(to: Int32.self)
        g.c = sums
        pk_igemm_block(isa, &g, 0, rows, 0, columns, scratch + layout.own)
        for row in 0..<rows where isRunning(row) {
          weights.write(frame, direction, 0..<columns, scale.pointee, sums + row &* columns, product + row &* columns)
        }
      }
    }
  }
}
