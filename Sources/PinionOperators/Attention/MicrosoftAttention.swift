import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// com.microsoft's Attention: one product projects the input to queries, keys and values of all heads, which then attend.
package struct MicrosoftAttention: CPUExecutable {
  package static let schema = Schema(
    "Attention", domain: "com.microsoft", since: 1,
    inputs: ["input: T", "weights: T", "bias?: T", "mask_index?: int32", "past?: T", "attention_bias?: T", "past_sequence_length?: int32"],
    outputs: ["output: T", "present?: T"], types: ["T": [.float32, .float16, .bfloat16]], mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  let heads: Int
  let isCausal: Bool
  let scale: Float?
  let filter: Float
  let sizes: [Int64]?

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    heads = try attributes.int("num_heads", in: 1...Int64(1 << 46))
    isCausal = try attributes.bool("unidirectional")
    let scale = try attributes.optionalFloat("scale")
    // 0 stands for the default as well.
    self.scale = scale == 0 ? nil : scale
    filter = try attributes.float("mask_filter_value", default: -10_000)
    sizes = try attributes.optionalInts("qkv_hidden_sizes")
    guard try !attributes.bool("do_rotary") else { throw .unsupported("Attention with rotary embedding") }
    guard try !attributes.bool("past_present_share_buffer") else { throw .unsupported("Attention whose past and present share memory") }
    attributes.ignore("rotary_embedding_dim")
  }

  struct Form {
    var shape: AttentionShape
    var past: Int
    /// Columns of the product: queries, keys and values of all heads.
    var width: Int
    var depth: Int
  }

  func form(_ context: InferenceContext) throws(PinionError) -> Form {
    let input = try context.type(0, rank: 3), weights = try context.type(1, rank: 2)
    let width = weights.dims[1]
    guard weights.dims[0] == input.dims[2] else { throw .invalidShape("weights \(weights) do not fit the input \(input)") }
    var parts = [width / 3, width / 3, width / 3]
    if let sizes {
      parts = []
      for size in sizes { parts.append(try size.converted()) }
    }
    guard parts.count == 3, parts.allSatisfy({ $0 > 0 && $0 <= width && $0 % heads == 0 }), parts.reduce(0, &+) == width,
      parts[0] == parts[1]
    else { throw .invalidShape("weights \(weights) do not split into queries, keys and values of \(heads) heads") }
    if let bias = context.optionalType(2), bias.dims != [width] {
      throw .invalidShape("bias is \(bias), expected shape [\(width)]")
    }
    var form = Form(
      shape: AttentionShape(
        batch: input.dims[0], heads: heads, kvHeads: heads, queries: input.dims[1], keys: input.dims[1], headSize: parts[0] / heads,
        valueSize: parts[2] / heads), past: 0, width: width, depth: input.dims[2])
    if let past = context.optionalType(4) {
      guard past.rank == 5, past.dims == [2, form.shape.batch, heads, past.dims[3], form.shape.headSize],
        form.shape.headSize == form.shape.valueSize
      else { throw .invalidShape("past is \(past), expected shape [2,\(form.shape.batch),\(heads),P,\(form.shape.headSize)]") }
      form.past = past.dims[3]
      form.shape.keys = try form.shape.keys.adding(form.past)
    }
    return form
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let form = try form(context), shape = form.shape
    let element = try context.type(0).element
    return [
      TensorType(element, try Shape([shape.batch, shape.queries, shape.heads &* shape.valueSize])),
      TensorType(element, try Shape([2, shape.batch, shape.heads, shape.keys, shape.headSize])),
    ]
  }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    guard inputs.count > 1, let input = inputs[0], let weights = inputs[1], let output = outputs.first, output.rank == 3 else { return 0 }
    let past = inputs.count > 4 ? inputs[4].map { $0.rank == 5 ? $0.dims[3] : 0 } ?? 0 : 0
    let projections = weights.rank == 2 ? 2 &* input.count &* weights.dims[1] : 0
    return projections &+ attentionOperations(queries: output.count, keys: output.dims[1] &+ past, outputs)
  }

  package func facts(_ context: FactContext) -> [Fact] {
    facts(input: context[0], weights: context[1], past: context.has(4) ? context[4] : nil, element: context[0].element, context.symbols)
  }

  func facts(input: Fact, weights: Fact, past: Fact?, element: ElementType?, _ symbols: Symbols) -> [Fact] {
    var size = symbols.quotient(weights.extent(1), by: 3), valueSize = size
    if let sizes {
      size = sizes.first.flatMap { Int(exactly: $0) }
      valueSize = sizes.last.flatMap { Int(exactly: $0) }
    }
    let keys = past.map { symbols.sum(of: [input.extent(1), $0.extent(3)]) } ?? input.extent(1)
    return [
      Fact(element, [input.extent(0), input.extent(1), valueSize]),
      Fact(element, [2, input.extent(0), heads, keys, symbols.quotient(size, by: heads)]),
    ]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    guard try context.type(0).element == .float32 else { throw context.unsupportedTypes() }
    let form = try form(context.inference), shape = form.shape
    guard context.outputs.count < 2 || shape.headSize == shape.valueSize else {
      throw .unsupported("Attention with present state whose keys and values differ in size")
    }
    var build = AttentionBuild(shape: shape)
    let rows = shape.batch &* shape.queries
    let projected = try build.reserve(bytes: try rows.multiplied(by: form.width).multiplied(by: 4))
    try project(&build, context, form, rows: rows, target: projected)
    return try kernel(build, form, projected: projected, context, mask: 3, past: 4, bias: 5)
  }

  /// Adds what follows the projection to queries, keys and values, which it finds in scratch memory.
  /// - Parameters:
  ///   - mask, past, bias: numbers of the inputs, which may be absent.
  func kernel(
    _ projection: AttentionBuild, _ form: Form, projected: Int, _ context: KernelContext, mask: Int, past: Int, bias: Int?
  ) throws(PinionError) -> Kernel {
    var build = projection
    let shape = form.shape
    func part(_ start: Int, size: Int) -> HeadTensor {
      HeadTensor(place: .scratch(projected), start: start, batch: shape.queries &* form.width, head: size, row: form.width)
    }
    let hidden = heads &* shape.headSize
    let half = shape.batch &* heads &* shape.headSize
    let past: OperandPlace? = context.has(past) ? .input(past) : nil, output = context.wants(output: 1) ? 1 : nil
    let k = try build.append(
      part(hidden, size: shape.headSize), rows: shape.queries, size: shape.headSize, past: past, pastRows: form.past, output: output,
      Float.self)
    let v = try build.append(
      part(2 &* hidden, size: shape.valueSize), rows: shape.queries, size: shape.valueSize, past: past, pastStart: half &* form.past,
      pastRows: form.past, output: output, outputStart: output == nil ? 0 : half &* shape.keys, Float.self)
    var core = AttentionCore<Float>(
      shape: shape, q: part(0, size: shape.headSize), k: k, v: v,
      y: .byRow(.output(0), heads: heads, rows: shape.queries, size: shape.valueSize),
      scale: scale.map(Double.init) ?? 1 / Double(shape.headSize).squareRoot())
    core.window = AttentionWindow(isCausal: isCausal, offset: form.past)
    if let bias, let type = context.optionalType(bias) { core.bias = try build.bias(type, input: bias, Float.self, coversKeys: true) }
    if let type = context.optionalType(mask) {
      core.bias = try PaddingMask(type, input: mask, filter: filter, shape: shape, pastRows: form.past).bias(
        &build, adding: core.bias, Float.self)
    }
    return try build.kernel(core, threads: context.threads)
  }

  /// Adds the stage of the product that yields queries, keys and values.
  private func project(
    _ build: inout AttentionBuild, _ context: KernelContext, _ form: Form, rows: Int, target: Int
  ) throws(PinionError) {
    let isa = pk_isa_best(), width = form.width, depth = form.depth, hasBias = context.has(2)
    var packed: Buffer?
    if let weights = context.value(1) {
      guard let bytes = Int(exactly: pk_sgemm_packed_b_bytes(isa, depth, width)) else { throw .outOfMemory(bytes: .max) }
      packed = try context.packed(weights, form: "sgemm.b.false.\(width).\(depth &* width)", bytes: bytes) { (elements, buffer, work) throws(PinionError) in
        try work.inPieces(of: columnsOfPiece(pk_sgemm_panel_cols(isa), depth: depth), width) {
          pk_sgemm_pack_b(
            isa, false, depth, width, elements.assumingMemoryBound(to: Float.self), width, $0.lowerBound, $0.upperBound,
            buffer.assumingMemoryBound(to: Float.self))
        }
      }
    }
    let buffer = packed
    @Sendable func product(_ frame: KernelFrame?) -> pk_sgemm {
      var gemm = pk_sgemm()
      gemm.m = rows
      gemm.n = width
      gemm.k = depth
      gemm.lda = depth
      gemm.ldb = width
      gemm.ldc = width
      gemm.alpha = 1
      gemm.packed_b = buffer.map { UnsafePointer($0.pointer.assumingMemoryBound(to: Float.self)) }
      guard let frame else { return gemm }
      gemm.a = frame.input(0)
      gemm.b = frame.input(1)
      gemm.c = (frame.scratch + target).assumingMemoryBound(to: Float.self)
      if hasBias { gemm.epilogue.col_bias = frame.input(2) }
      return gemm
    }
    guard rows > 0 else { return }
    var blockRows = 0, blockColumns = 0
    let bytes = withUnsafePointer(to: product(nil)) {
      pk_sgemm_grid(isa, $0, context.threads, &blockRows, &blockColumns)
      return pk_sgemm_scratch_bytes(isa, $0, blockRows, blockColumns)
    }
    guard let laneBytes = Int(exactly: bytes) else { throw .outOfMemory(bytes: .max) }
    build.laneScratchBytes = max(build.laneScratchBytes, laneBytes)
    let stepRows = max(blockRows, 1), stepColumns = max(blockColumns, 1)
    let rowBlocks = (rows &- 1) / stepRows &+ 1, columnBlocks = (width &- 1) / stepColumns &+ 1
    build.stages.append(
      Kernel.Stage(tasks: rowBlocks &* columnBlocks) { frame, task in
        let row = task % rowBlocks &* stepRows, column = task / rowBlocks &* stepColumns
        withUnsafePointer(to: product(frame)) {
          pk_sgemm_block(isa, $0, row, min(row &+ stepRows, rows), column, min(column &+ stepColumns, width), frame.laneScratch)
        }
      })
  }
}
