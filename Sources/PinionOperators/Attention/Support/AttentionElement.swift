import CKernels
import Glibc
import PinionBase

/// A floating-point type that attention is computed in.
protocol AttentionElement: WeightElement {
  static func attentionScratchBytes(rows: Int, keys: Int, headSize: Int, valueSize: Int) throws(PinionError) -> Int
  /// scores[r, c] = scale * q[r, :] . k[c, :], `keys` of them in a row, rows `stride` apart.
  static func scores(
    _ q: UnsafePointer<Self>, _ qStride: Int, rows: Int, _ k: HeadRows<Self>, keys: Int, depth: Int, scale: Self,
    into scores: UnsafeMutablePointer<Self>, stride: Int, scratch: UnsafeMutableRawPointer)
  /// y[r, :] = sum over c of weights[r, c] * v[c, :], rows of weights `stride` apart.
  static func mix(
    _ weights: UnsafePointer<Self>, stride: Int, rows: Int, keys: Int, _ v: HeadRows<Self>, width: Int,
    into y: UnsafeMutablePointer<Self>, _ yStride: Int, scratch: UnsafeMutableRawPointer)
  /// Bytes of packed keys and values, for blocks of rows that share them; nil where products take none.
  static func packedBytes(keys: Int, headSize: Int, valueSize: Int) throws(PinionError) -> (keys: Int, values: Int)?
  static func pack(keys: HeadRows<Self>, count: Int, depth: Int, into packed: UnsafeMutablePointer<Self>)
  static func pack(values: HeadRows<Self>, count: Int, width: Int, into packed: UnsafeMutablePointer<Self>)
  /// The softmax of one row in place, 0 where all scores are minus infinity, by a kernel if there is one.
  static func softmaxOfScores(_ x: UnsafeMutablePointer<Self>, count: Int, _ kernel: pk_attention_softmax_fn?)
  /// Asked once, when a kernel is made.
  static var softmaxKernel: pk_attention_softmax_fn? { get }
}

/// Keys or values of one head.
enum HeadRows<T: BitwiseCopyable> {
  case rows(UnsafePointer<T>, stride: Int)
  /// As `pack` gives them, `count` of them.
  case packed(UnsafePointer<T>, count: Int)
}

extension Float: AttentionElement {
  static var softmaxKernel: pk_attention_softmax_fn? { pk_attention_softmax_kernel(pk_isa_best()) }

  static func softmaxOfScores(_ x: UnsafeMutablePointer<Float>, count: Int, _ kernel: pk_attention_softmax_fn?) {
    kernel?(x, nil, x, 1, count, count, 0, count, 1, true)
  }

  private static func scoreProduct(rows: Int, keys: Int, depth: Int) -> pk_sgemm {
    var gemm = pk_sgemm()
    gemm.m = rows
    gemm.n = keys
    gemm.k = depth
    gemm.trans_b = true
    gemm.lda = depth
    gemm.ldb = depth
    gemm.ldc = keys
    gemm.alpha = 1
    return gemm
  }

  private static func mixProduct(rows: Int, keys: Int, width: Int) -> pk_sgemm {
    var gemm = pk_sgemm()
    gemm.m = rows
    gemm.n = width
    gemm.k = keys
    gemm.lda = keys
    gemm.ldb = width
    gemm.ldc = width
    gemm.alpha = 1
    return gemm
  }

  static func attentionScratchBytes(rows: Int, keys: Int, headSize: Int, valueSize: Int) throws(PinionError) -> Int {
    let isa = pk_isa_best()
    let a = withUnsafePointer(to: scoreProduct(rows: rows, keys: keys, depth: headSize)) { pk_sgemm_scratch_bytes(isa, $0, rows, keys) }
    let b = withUnsafePointer(to: mixProduct(rows: rows, keys: keys, width: valueSize)) { pk_sgemm_scratch_bytes(isa, $0, rows, valueSize) }
    guard let bytes = Int(exactly: max(a, b)) else { throw .outOfMemory(bytes: .max) }
    return bytes
  }

  static func scores(
    _ q: UnsafePointer<Float>, _ qStride: Int, rows: Int, _ k: HeadRows<Float>, keys: Int, depth: Int, scale: Float,
    into scores: UnsafeMutablePointer<Float>, stride: Int, scratch: UnsafeMutableRawPointer
  ) {
    var gemm = scoreProduct(rows: rows, keys: keys, depth: depth)
    gemm.a = q
    gemm.lda = qStride
    switch k {
    case .rows(let k, let kStride):
      gemm.b = k
      gemm.ldb = kStride
    case .packed(let k, _): gemm.packed_b = k
    }
    gemm.c = scores
    gemm.ldc = stride
    gemm.alpha = scale
    withUnsafePointer(to: gemm) { pk_sgemm_block(pk_isa_best(), $0, 0, rows, 0, keys, scratch) }
  }

  static func mix(
    _ weights: UnsafePointer<Float>, stride: Int, rows: Int, keys: Int, _ v: HeadRows<Float>, width: Int,
    into y: UnsafeMutablePointer<Float>, _ yStride: Int, scratch: UnsafeMutableRawPointer
  ) {
    var gemm = mixProduct(rows: rows, keys: keys, width: width)
    gemm.a = weights
    gemm.lda = stride
    switch v {
    case .rows(let v, let vStride):
      gemm.b = v
      gemm.ldb = vStride
    case .packed(let v, let count):
      gemm.packed_b = v
      gemm.packed_b_depth = count
    }
    gemm.c = y
    gemm.ldc = yStride
    withUnsafePointer(to: gemm) { pk_sgemm_block(pk_isa_best(), $0, 0, rows, 0, width, scratch) }
  }

  static func packedBytes(keys: Int, headSize: Int, valueSize: Int) throws(PinionError) -> (keys: Int, values: Int)? {
    let isa = pk_isa_best()
    guard let k = Int(exactly: pk_sgemm_packed_b_bytes(isa, headSize, keys)), let v = Int(exactly: pk_sgemm_packed_b_bytes(isa, keys, valueSize))
    else { throw .outOfMemory(bytes: .max) }
    return (k, v)
  }

  static func pack(keys: HeadRows<Float>, count: Int, depth: Int, into packed: UnsafeMutablePointer<Float>) {
    guard case .rows(let keys, let stride) = keys else { return }
    pk_sgemm_pack_b(pk_isa_best(), true, depth, count, keys, stride, 0, count, packed)
  }

  static func pack(values: HeadRows<Float>, count: Int, width: Int, into packed: UnsafeMutablePointer<Float>) {
    guard case .rows(let values, let stride) = values else { return }
    pk_sgemm_pack_b(pk_isa_best(), false, count, width, values, stride, 0, width, packed)
  }
}

extension Double: AttentionElement {
  static var softmaxKernel: pk_attention_softmax_fn? { nil }

  static func softmaxOfScores(_ x: UnsafeMutablePointer<Double>, count: Int, _: pk_attention_softmax_fn?) {
    var largest = -Double.infinity, sum = 0.0
    for index in 0..<count { largest = x[index] > largest ? x[index] : largest }
    guard largest > -.infinity else {
      for index in 0..<count { x[index] = x[index].isNaN ? x[index] : 0 }
      return
    }
    for index in 0..<count {
      x[index] = exp(x[index] - largest)
      sum += x[index]
    }
    for index in 0..<count { x[index] /= sum }
  }

  static func attentionScratchBytes(rows: Int, keys: Int, headSize: Int, valueSize: Int) throws(PinionError) -> Int { 0 }

  static func scores(
    _ q: UnsafePointer<Double>, _ qStride: Int, rows: Int, _ k: HeadRows<Double>, keys: Int, depth: Int,
    scale: Double, into scores: UnsafeMutablePointer<Double>, stride: Int, scratch: UnsafeMutableRawPointer
  ) {
    guard case .rows(let k, let kStride) = k else { return }
    for row in 0..<rows {
      for key in 0..<keys {
        var sum = 0.0
        for index in 0..<depth { sum += q[row &* qStride &+ index] * k[key &* kStride &+ index] }
        scores[row &* stride &+ key] = sum * scale
      }
    }
  }

  static func mix(
    _ weights: UnsafePointer<Double>, stride: Int, rows: Int, keys: Int, _ v: HeadRows<Double>, width: Int,
    into y: UnsafeMutablePointer<Double>, _ yStride: Int, scratch: UnsafeMutableRawPointer
  ) {
    guard case .rows(let v, let vStride) = v else { return }
    for row in 0..<rows {
      let result = y + row &* yStride
      for index in 0..<width { result[index] = 0 }
      for key in 0..<keys {
        let weight = weights[row &* stride &+ key], values = v + key &* vStride
        for index in 0..<width { result[index] += weight * values[index] }
      }
    }
  }

  static func packedBytes(keys: Int, headSize: Int, valueSize: Int) -> (keys: Int, values: Int)? { nil }
  static func pack(keys: HeadRows<Double>, count: Int, depth: Int, into packed: UnsafeMutablePointer<Double>) {}
  static func pack(values: HeadRows<Double>, count: Int, width: Int, into packed: UnsafeMutablePointer<Double>) {}
}
