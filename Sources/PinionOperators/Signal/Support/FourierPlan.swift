import Glibc
import PinionBackend
import PinionBase

/// The discrete Fourier transform of one length, with the tables it needs; any number of threads may use it.
///
/// Lengths of small prime factors go through Stockham's algorithm, one pass per factor; others are turned into a
/// convolution of a power of two by Bluestein's identity. Real and imaginary parts lie in arrays of their own.
final class FourierPlan: @unchecked Sendable {
  let count: Int
  /// Doubles of working memory that `transform` needs besides its operands.
  let workCount: Int
  private let factors: [Int]
  /// cos and sin of -2 pi k / count, for each k < count.
  private let twiddles: KernelTable<Double>
  private let chirp: Chirp?

  private struct Chirp {
    let inner: FourierPlan
    /// exp(-i pi k^2 / count) for k < count, then the transform of its conjugate's convolution kernel.
    let tables: KernelTable<Double>
  }

  static let largestFactor = 31

  /// - Parameter context: counts the tables against the run's budget, and is asked for its limits while they are made.
  init(count: Int, _ context: KernelContext) throws(PinionError) {
    self.count = count
    var rest = max(count, 1)
    var factors: [Int] = []
    for radix in [4, 2, 3, 5] + Array(stride(from: 7, through: FourierPlan.largestFactor, by: 2)) {
      while rest % radix == 0 {
        factors.append(radix)
        rest /= radix
      }
    }
    if rest == 1 {
      self.factors = factors
      chirp = nil
      workCount = try count.multiplied(by: 2)
      twiddles = try context.table(count: try count.multiplied(by: 2))
      let (re, im) = FourierPlan.halves(twiddles, count)
      var poll = Poll(context.control)
      for k in 0..<count {
        try poll.count(16)
        let angle = -2 * Double.pi * (Double(k) / Double(count))
        (re[k], im[k]) = (cos(angle), sin(angle))
      }
    } else {
      self.factors = []
      twiddles = try context.table(count: 0)
      var size = 1
      while size < (try count.multiplied(by: 2)) { size = try size.multiplied(by: 2) }
      let inner = try FourierPlan(count: size, context)
      let tables: KernelTable<Double> = try context.table(count: try count.adding(size).multiplied(by: 2))
      workCount = try inner.workCount.adding(try size.multiplied(by: 2))
      chirp = Chirp(inner: inner, tables: tables)
      try fillChirp(inner, tables, context)
    }
  }

  private static func halves(_ table: KernelTable<Double>, _ count: Int) -> (UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>) {
    (table.base, table.base + count)
  }

  private func fillChirp(_ inner: FourierPlan, _ tables: KernelTable<Double>, _ context: KernelContext) throws(PinionError) {
    var poll = Poll(context.control)
    let (re, im) = FourierPlan.halves(tables, count)
    let kernelRe = re + 2 &* count, kernelIm = kernelRe + inner.count
    kernelRe.initialize(repeating: 0, count: 2 &* inner.count)
    for k in 0..<count {
      try poll.count(16)
      // The square is taken modulo the period, so that the angle stays exact.
      let square = k.multipliedFullWidth(by: k)
      let position = (2 &* count).dividingFullWidth((square.high, square.low)).remainder
      let angle = -Double.pi * (Double(position) / Double(count))
      (re[k], im[k]) = (cos(angle), sin(angle))
      let mirrored = k == 0 ? 0 : inner.count &- k
      (kernelRe[k], kernelIm[k]) = (re[k], -im[k])
      (kernelRe[mirrored], kernelIm[mirrored]) = (re[k], -im[k])
    }
    let work: KernelTable<Double> = try context.table(count: inner.workCount)
    try inner.transform(kernelRe, kernelIm, work.base, &poll)
  }

  /// Replaces `count` complex numbers by their transform, not scaled. For the inverse, exchange real and imaginary parts.
  /// - Throws: what the run's limits say.
  func transform(
    _ re: UnsafeMutablePointer<Double>, _ im: UnsafeMutablePointer<Double>, _ work: UnsafeMutablePointer<Double>, _ poll: inout Poll
  ) throws(PinionError) {
    if let chirp { try convolve(chirp, re, im, work, &poll) } else { try passes(re, im, work, &poll) }
  }

  private func passes(
    _ re: UnsafeMutablePointer<Double>, _ im: UnsafeMutablePointer<Double>, _ work: UnsafeMutablePointer<Double>, _ poll: inout Poll
  ) throws(PinionError) {
    var x = (re: re, im: im), y = (re: work, im: work + count)
    var length = count, stride = 1
    for radix in factors {
      switch radix {
      case 2: try pass2(x.re, x.im, y.re, y.im, length, stride, &poll)
      case 4: try pass4(x.re, x.im, y.re, y.im, length, stride, &poll)
      default: try pass(radix, x.re, x.im, y.re, y.im, length, stride, &poll)
      }
      swap(&x, &y)
      length /= radix
      stride &*= radix
    }
    if x.re != re {
      re.update(from: x.re, count: count)
      im.update(from: x.im, count: count)
    }
  }

  private typealias Reals = UnsafeMutablePointer<Double>

  private static let piece = 4096

  /// Polls for the stretch at `p` of those of `stride` numbers, once for many short ones.
  @inline(__always)
  private func pollsOnce(_ p: Int, _ stride: Int, _ poll: inout Poll) throws(PinionError) {
    if p & 255 == 255 { try poll.count(2048 &* min(stride, FourierPlan.piece)) }
  }

  /// Calls `body` with each number below `count`, and polls now and then.
  @inline(__always)
  private func inPieces(_ count: Int, _ poll: inout Poll, _ body: (Int) -> Void) throws(PinionError) {
    // Short stretches, of which a pass has many, are left to `pollsOnce`.
    guard count > FourierPlan.piece else {
      for index in 0..<count { body(index) }
      return
    }
    var start = 0
    repeat {
      let end = min(start &+ FourierPlan.piece, count)
      for index in start..<end { body(index) }
      try poll.count(8 &* (end &- start))
      start = end
    } while start < count
  }

  private func pass2(
    _ xr: Reals, _ xi: Reals, _ yr: Reals, _ yi: Reals, _ length: Int, _ stride: Int, _ poll: inout Poll
  ) throws(PinionError) {
    let (twiddleRe, twiddleIm) = FourierPlan.halves(twiddles, count)
    let half = length / 2
    for p in 0..<half {
      try pollsOnce(p, stride, &poll)
      let wr = twiddleRe[p &* stride], wi = twiddleIm[p &* stride]
      let a = stride &* p, b = stride &* (p &+ half), c = stride &* 2 &* p, d = c &+ stride
      try inPieces(stride, &poll) { q in
        let ar = xr[a &+ q], ai = xi[a &+ q], br = xr[b &+ q], bi = xi[b &+ q]
        (yr[c &+ q], yi[c &+ q]) = (ar + br, ai + bi)
        let dr = ar - br, di = ai - bi
        (yr[d &+ q], yi[d &+ q]) = (dr * wr - di * wi, dr * wi + di * wr)
      }
    }
  }

  private func pass4(
    _ xr: Reals, _ xi: Reals, _ yr: Reals, _ yi: Reals, _ length: Int, _ stride: Int, _ poll: inout Poll
  ) throws(PinionError) {
    let (twiddleRe, twiddleIm) = FourierPlan.halves(twiddles, count)
    let quarter = length / 4
    for p in 0..<quarter {
      try pollsOnce(p, stride, &poll)
      let w1r = twiddleRe[p &* stride], w1i = twiddleIm[p &* stride]
      let w2r = twiddleRe[2 &* p &* stride], w2i = twiddleIm[2 &* p &* stride]
      let w3r = twiddleRe[3 &* p &* stride], w3i = twiddleIm[3 &* p &* stride]
      let a = stride &* p, step = stride &* quarter, target = stride &* 4 &* p
      try inPieces(stride, &poll) { q in
        let at = a &+ q, to = target &+ q
        let ar = xr[at], ai = xi[at], br = xr[at &+ step], bi = xi[at &+ step]
        let cr = xr[at &+ 2 &* step], ci = xi[at &+ 2 &* step], dr = xr[at &+ 3 &* step], di = xi[at &+ 3 &* step]
        let sr = ar + cr, si = ai + ci, tr = ar - cr, ti = ai - ci
        let ur = br + dr, ui = bi + di, vr = br - dr, vi = bi - di
        (yr[to], yi[to]) = (sr + ur, si + ui)
        let er = tr + vi, ei = ti - vr, fr = sr - ur, fi = si - ui, gr = tr - vi, gi = ti + vr
        (yr[to &+ stride], yi[to &+ stride]) = (er * w1r - ei * w1i, er * w1i + ei * w1r)
        (yr[to &+ 2 &* stride], yi[to &+ 2 &* stride]) = (fr * w2r - fi * w2i, fr * w2i + fi * w2r)
        (yr[to &+ 3 &* stride], yi[to &+ 3 &* stride]) = (gr * w3r - gi * w3i, gr * w3i + gi * w3r)
      }
    }
  }

  private func pass(
    _ radix: Int, _ xr: Reals, _ xi: Reals, _ yr: Reals, _ yi: Reals, _ length: Int, _ stride: Int, _ poll: inout Poll
  ) throws(PinionError) {
    let (twiddleRe, twiddleIm) = FourierPlan.halves(twiddles, count)
    let part = length / radix
    let root = count / radix
    for p in 0..<part {
      try pollsOnce(p, stride &* radix, &poll)
      for k in 0..<radix {
        let wr = twiddleRe[p &* k &* stride], wi = twiddleIm[p &* k &* stride]
        let target = stride &* (radix &* p &+ k)
        try inPieces(stride, &poll) { q in
          var sumRe = 0.0, sumIm = 0.0
          var turn = 0
          for i in 0..<radix {
            let at = q &+ stride &* (p &+ part &* i)
            let rr = twiddleRe[turn &* root], ri = twiddleIm[turn &* root]
            sumRe += xr[at] * rr - xi[at] * ri
            sumIm += xr[at] * ri + xi[at] * rr
            turn &+= k
            if turn >= radix { turn &-= radix }
          }
          (yr[target &+ q], yi[target &+ q]) = (sumRe * wr - sumIm * wi, sumRe * wi + sumIm * wr)
        }
      }
    }
  }

  private func convolve(_ chirp: Chirp, _ re: Reals, _ im: Reals, _ work: Reals, _ poll: inout Poll) throws(PinionError) {
    let size = chirp.inner.count
    let (chirpRe, chirpIm) = FourierPlan.halves(chirp.tables, count)
    let kernelRe = chirpRe + 2 &* count, kernelIm = kernelRe + size
    let ar = work, ai = work + size, rest = work + 2 &* size
    try inPieces(count, &poll) { k in
      ar[k] = re[k] * chirpRe[k] - im[k] * chirpIm[k]
      ai[k] = re[k] * chirpIm[k] + im[k] * chirpRe[k]
    }
    (ar + count).update(repeating: 0, count: size &- count)
    (ai + count).update(repeating: 0, count: size &- count)
    try chirp.inner.transform(ar, ai, rest, &poll)
    try inPieces(size, &poll) { k in
      (ar[k], ai[k]) = (ar[k] * kernelRe[k] - ai[k] * kernelIm[k], ar[k] * kernelIm[k] + ai[k] * kernelRe[k])
    }
    try chirp.inner.transform(ai, ar, rest, &poll)
    let scale = 1 / Double(size)
    try inPieces(count, &poll) { k in
      let xr = ar[k] * scale, xi = ai[k] * scale
      re[k] = xr * chirpRe[k] - xi * chirpIm[k]
      im[k] = xr * chirpIm[k] + xi * chirpRe[k]
    }
  }
}
