import CKernels
import Glibc
import PinionBase

/// A floating-point type that attention is computed in.
protocol AttentionElement: WeightElement {
  static func attentionScratchBytes(rows: Int, keys: Int, headSize: Int, valueSize: Int) throws(PinionError) -> Int
  /// scores[r, c] = scale * q[r, :] . k[c, :], `keys` of them in a row.
  static func scores(
    _ q: UnsafePointer<Self>, _ qStride: Int, rows: Int, _ k: UnsafePointer<Self>, _ kStride: Int, keys: Int, depth: Int, scale: Self,
    into scores: UnsafeMutablePointer<Self>, scratch: UnsafeMutableRawPointer)
  /// y[r, :] = sum over c of weights[r, c] * v[c, :].
  static func mix(
    _ weights: UnsafePointer<Self>, rows: Int, keys: Int, _ v: UnsafePointer<Self>, _ vStride: Int, width: Int,
    into y: UnsafeMutablePointer<Self>, _ yStride: Int, scratch: UnsafeMutableRawPointer)
  /// The softmax of one row in place, 0 where all scores are minus infinity, by a kernel if there is one.
  static func softmaxOfScores(_ x: UnsafeMutablePointer<Self>, count: Int, _ kernel: pk_attention_softmax_fn?)
  /// Asked once, when a kernel is made.
  static var softmaxKernel: pk_attention_softmax_fn? { get }
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
    _ q: UnsafePointer<Float>, _ qStride: Int, rows: Int, _ k: UnsafePointer<Float>, _ kStride: Int, keys: Int, depth: Int, scale: Float,
    into scores: UnsafeMutablePointer<Float>, scratch: UnsafeMutableRawPointer
  ) {
    var gemm = scoreProduct(rows: rows, keys: keys, depth: depth)
    gemm.a = q
    gemm.lda = qStride
    gemm.b = k
    gemm.ldb = kStride
    gemm.c = scores
    gemm.alpha = scale
    withUnsafePointer(to: gemm) { pk_sgemm_block(pk_isa_best(), $0, 0, rows, 0, keys, scratch) }
  }

  static func mix(
    _ weights: UnsafePointer<Float>, rows: Int, keys: Int, _ v: UnsafePointer<Float>, _ vStride: Int, width: Int,
    into y: UnsafeMutablePointer<Float>, _ yStride: Int, scratch: UnsafeMutableRawPointer
  ) {
    var gemm = mixProduct(rows: rows, keys: keys, width: width)
    gemm.a = weights
    gemm.b = v
    gemm.ldb = vStride
    gemm.c = y
    gemm.ldc = yStride
    withUnsafePointer(to: gemm) { pk_sgemm_block(pk_isa_best(), $0, 0, rows, 0, width, scratch) }
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
    _ q: UnsafePointer<Double>, _ qStride: Int, rows: Int, _ k: UnsafePointer<Double>, _ kStride: Int, keys: Int, depth: Int,
    scale: Double, into scores: UnsafeMutablePointer<Double>, scratch: UnsafeMutableRawPointer
  ) {
    for row in 0..<rows {
      for key in 0..<keys {
        var sum = 0.0
        for index in 0..<depth { sum += q[row &* qStride &+ index] * k[key &* kStride &+ index] }
        scores[row &* keys &+ key] = sum * scale
      }
    }
  }

  static func mix(
    _ weights: UnsafePointer<Double>, rows: Int, keys: Int, _ v: UnsafePointer<Double>, _ vStride: Int, width: Int,
    into y: UnsafeMutablePointer<Double>, _ yStride: Int, scratch: UnsafeMutableRawPointer
  ) {
    for row in 0..<rows {
      let result = y + row &* yStride
      for index in 0..<width { result[index] = 0 }
      for key in 0..<keys {
        let weight = weights[row &* keys &+ key], values = v + key &* vStride
        for index in 0..<width { result[index] += weight * values[index] }
      }
    }
  }
}
