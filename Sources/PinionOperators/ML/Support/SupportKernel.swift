import CKernels
import Glibc
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The kernel function of a support vector machine.
struct SupportKernel: Sendable {
  enum Kind: String, CaseIterable {
    case linear = "LINEAR"
    case polynomial = "POLY"
    case radial = "RBF"
    case sigmoid = "SIGMOID"
  }

  let kind: Kind
  let gamma: Float
  let offset: Float
  let degree: Float

  init(_ attributes: inout AttributeReader) throws(PinionError) {
    kind = try attributes.choice("kernel_type", default: .linear)
    let parameters = try attributes.floats("kernel_params", default: [])
    guard parameters.isEmpty || parameters.count == 3 else {
      throw .invalidModel("attribute 'kernel_params' has \(parameters.count) entries, expected gamma, coef0, degree")
    }
    gamma = parameters.isEmpty ? 0 : parameters[0]
    offset = parameters.isEmpty ? 0 : parameters[1]
    degree = parameters.isEmpty ? 0 : parameters[2]
  }

  /// The kernel of a machine without support vectors.
  static let linear = SupportKernel(kind: .linear, gamma: 0, offset: 0, degree: 0)

  private init(kind: Kind, gamma: Float, offset: Float, degree: Float) {
    self.kind = kind
    self.gamma = gamma
    self.offset = offset
    self.degree = degree
  }

  /// Turns the dot products of vectors, or the squares of their distances, into the kernel's values.
  private func finish(_ values: UnsafeMutablePointer<Float>, _ count: Int) {
    switch kind {
    case .linear: break
    case .radial:
      for index in 0..<count { values[index] *= -gamma }
      apply(PK_UNARY_EXP, values, count)
    case .polynomial:
      if degree == 2 || degree == 3 {
        for index in 0..<count {
          let base = gamma * values[index] + offset
          values[index] = degree == 2 ? base * base : base * base * base
        }
      } else {
        for index in 0..<count { values[index] = pow(gamma * values[index] + offset, degree) }
      }
    case .sigmoid:
      for index in 0..<count { values[index] = gamma * values[index] + offset }
      apply(PK_UNARY_TANH, values, count)
    }
  }

  /// A kernel that computes the values for some rows and all vectors at once and then goes through the rows.
  /// - Parameters:
  ///   - vectors: `count` rows of `columns`.
  ///   - scoreCount: how many scores `body` has room for.
  ///   - body: gets a row's values, room for scores, and the row's number.
  func rows(
    _ context: KernelContext, vectors: Buffer, count: Int, columns: Int, scoreCount: Int,
    _ body: @escaping @Sendable (KernelFrame, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Double>, Int) -> Void
  ) throws(PinionError) -> Kernel {
    let input = try FeatureRows(try context.type(0))
    guard input.columns == columns else {
      throw .invalidShape("input 'X' has \(input.columns) features, the model \(columns)")
    }
    let isa = pk_isa_best(), kind = kind, cost = max(try count.multiplied(by: columns), 1)
    let block = min(max(4_000_000 / cost, 1), 32)
    var form = pk_sgemm()
    (form.m, form.n, form.k) = (block, count, columns)
    (form.lda, form.ldb, form.ldc, form.alpha) = (columns, columns, count, 1)
    let packedBytes = pk_sgemm_packed_b_bytes(isa, columns, count)
    guard packedBytes >= 0, packedBytes < Int.max / 4 else { throw .outOfMemory(bytes: packedBytes) }
    let packed = try Allocator.system.buffer(bytes: packedBytes)
    let table = vectors.pointer.assumingMemoryBound(to: Float.self)
    pk_sgemm_pack_b(isa, true, columns, count, table, columns, 0, count, packed.pointer.assumingMemoryBound(to: Float.self))
    form.packed_b = UnsafePointer(packed.pointer.assumingMemoryBound(to: Float.self))
    let productScratch = pk_sgemm_scratch_bytes(isa, &form, block, count)
    guard productScratch >= 0, productScratch < Int.max / 4 else { throw .outOfMemory(bytes: productScratch) }

    let read = try input.reader(as: .float32)
    let converted = try input.scratchBytes(block, as: .float32)
    let valueBytes = try alignedUp(try block.multiplied(by: count).multiplied(by: 4), to: Buffer.alignment)
    let scoreBytes = try alignedUp(try scoreCount.multiplied(by: MemoryLayout<Double>.stride), to: Buffer.alignment)
    let scratch = try converted.adding(valueBytes).adding(scoreBytes).adding(productScratch)
    let grain = max(1_000_000 / cost / block, 1) &* block
    return .ranges(input.rows, grain: grain, laneScratchBytes: scratch) { [self] frame, range in
      let values = (frame.laneScratch + converted).assumingMemoryBound(to: Float.self)
      let scores = (frame.laneScratch + (converted &+ valueBytes)).assumingMemoryBound(to: Double.self)
      for first in stride(from: range.lowerBound, to: range.upperBound, by: block) {
        let few = min(block, range.upperBound &- first)
        let x = read(frame.rawInput(0), first..<first &+ few, frame.laneScratch).assumingMemoryBound(to: Float.self)
        if kind == .radial {
          pk_square_distances_f32(
            isa, few, count, columns, x, columns, UnsafePointer(packed.pointer.assumingMemoryBound(to: Float.self)), values, count)
        } else {
          var g = pk_sgemm()
          (g.m, g.n, g.k) = (few, count, columns)
          (g.lda, g.ldb, g.ldc, g.alpha) = (columns, columns, count, 1)
          g.a = x
          g.packed_b = UnsafePointer(packed.pointer.assumingMemoryBound(to: Float.self))
          g.c = values
          pk_sgemm_block(isa, &g, 0, few, 0, count, frame.laneScratch + (converted &+ valueBytes &+ scoreBytes))
        }
        finish(values, few &* count)
        for row in 0..<few { body(frame, values + row &* count, scores, first &+ row) }
      }
    }
  }

  private func apply(_ function: pk_unary_op, _ values: UnsafeMutablePointer<Float>, _ count: Int) {
    withUnsafePointer(to: pk_params()) { pk_unary_kernel(pk_isa_best(), function, PK_F32)?(values, values, count, $0) }
  }
}
