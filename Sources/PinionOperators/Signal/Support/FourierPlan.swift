import Glibc
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
  private let twiddles: Buffer
  private let chirp: Chirp?

  private struct Chirp {
    let inner: FourierPlan
    /// exp(-i pi k^2 / count) for k < count, then the transform of its conjugate's convolution kernel.
    let tables: Buffer
  }

  static let largestFactor = 31

  init(count: Int) throws(PinionError) {
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
      twiddles = try Allocator.system.buffer(bytes: try count.multiplied(by: 16))
      let (re, im) = FourierPlan.halves(twiddles, count)
      for k in 0..<count {
        let angle = -2 * Double.pi * (Double(k) / Double(count))
        (re[k], im[k]) = (cos(angle), sin(angle))
      }
    } else {
      self.factors = []
      twiddles = try Allocator.system.buffer(bytes: 0)
      var size = 1
      while size < (try count.multiplied(by: 2)) { size = try size.multiplied(by: 2) }
      let inner = try FourierPlan(count: size)
      let tables = try Allocator.system.buffer(bytes: try count.adding(size).multiplied(by: 16))
      workCount = try inner.workCount.adding(try size.multiplied(by: 2))
      chirp = Chirp(inner: inner, tables: tables)
      try fillChirp(inner, tables)
    }
  }

  private static func halves(_ buffer: Buffer, _ count: Int) -> (UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>) {
    let start = buffer.pointer.assumingMemoryBound(to: Double.self)
    return (start, start + count)
  }

  private func fillChirp(_ inner: FourierPlan, _ tables: Buffer) throws(PinionError) {
    let (re, im) = FourierPlan.halves(tables, count)
    let kernelRe = re + 2 &* count, kernelIm = kernelRe + inner.count
    kernelRe.initialize(repeating: 0, count: 2 &* inner.count)
    for k in 0..<count {
      // The square is taken modulo the period, so that the angle stays exact.
      let square = k.multipliedFullWidth(by: k)
      let position = (2 &* count).dividingFullWidth((square.high, square.low)).remainder
      let angle = -Double.pi * (Double(position) / Double(count))
      (re[k], im[k]) = (cos(angle), sin(angle))
      let mirrored = k == 0 ? 0 : inner.count &- k
      (kernelRe[k], kernelIm[k]) = (re[k], -im[k])
      (kernelRe[mirrored], kernelIm[mirrored]) = (re[k], -im[k])
    }
    let work = try Allocator.system.buffer(bytes: try inner.workCount.multiplied(by: 8))
    inner.transform(kernelRe, kernelIm, work.pointer.assumingMemoryBound(to: Double.self))
  }

  /// Replaces `count` complex numbers by their transform, not scaled. For the inverse, exchange real and imaginary parts.
  func transform(
    _ re: UnsafeMutablePointer<Double>, _ im: UnsafeMutablePointer<Double>, _ work: UnsafeMutablePointer<Double>
  ) {
    if let chirp { convolve(chirp, re, im, work) } else { passes(re, im, work) }
  }

  private func passes(
    _ re: UnsafeMutablePointer<Double>, _ im: UnsafeMutablePointer<Double>, _ work: UnsafeMutablePointer<Double>
  ) {
    var x = (re: re, im: im), y = (re: work, im: work + count)
    var length = count, stride = 1
    for radix in factors {
      switch radix {
      case 2: pass2(x.re, x.im, y.re, y.im, length, stride)
      case 4: pass4(x.re, x.im, y.re, y.im, length, stride)
      default: pass(radix, x.re, x.im, y.re, y.im, length, stride)
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

  private func pass2(_ xr: Reals, _ xi: Reals, _ yr: Reals, _ yi: Reals, _ length: Int, _ stride: Int) {
    let (twiddleRe, twiddleIm) = FourierPlan.halves(twiddles, count)
    let half = length / 2
    for p in 0..<half {
      let wr = twiddleRe[p &* stride], wi = twiddleIm[p &* stride]
      let a = stride &* p, b = stride &* (p &+ half), c = stride &* 2 &* p, d = c &+ stride
      for q in 0..<stride {
        let ar = xr[a &+ q], ai = xi[a &+ q], br = xr[b &+ q], bi = xi[b &+ q]
        (yr[c &+ q], yi[c &+ q]) = (ar + br, ai + bi)
        let dr = ar - br, di = ai - bi
        (yr[d &+ q], yi[d &+ q]) = (dr * wr - di * wi, dr * wi + di * wr)
      }
    }
  }

  private func pass4(_ xr: Reals, _ xi: Reals, _ yr: Reals, _ yi: Reals, _ length: Int, _ stride: Int) {
    let (twiddleRe, twiddleIm) = FourierPlan.halves(twiddles, count)
    let quarter = length / 4
    for p in 0..<quarter {
      let w1r = twiddleRe[p &* stride], w1i = twiddleIm[p &* stride]
      let w2r = twiddleRe[2 &* p &* stride], w2i = twiddleIm[2 &* p &* stride]
      let w3r = twiddleRe[3 &* p &* stride], w3i = twiddleIm[3 &* p &* stride]
      let a = stride &* p, step = stride &* quarter, target = stride &* 4 &* p
      for q in 0..<stride {
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

  private func pass(_ radix: Int, _ xr: Reals, _ xi: Reals, _ yr: Reals, _ yi: Reals, _ length: Int, _ stride: Int) {
    let (twiddleRe, twiddleIm) = FourierPlan.halves(twiddles, count)
    let part = length / radix
    let root = count / radix
    for p in 0..<part {
      for k in 0..<radix {
        let wr = twiddleRe[p &* k &* stride], wi = twiddleIm[p &* k &* stride]
        let target = stride &* (radix &* p &+ k)
        for q in 0..<stride {
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

  private func convolve(_ chirp: Chirp, _ re: Reals, _ im: Reals, _ work: Reals) {
    let size = chirp.inner.count
    let (chirpRe, chirpIm) = FourierPlan.halves(chirp.tables, count)
    let kernelRe = chirpRe + 2 &* count, kernelIm = kernelRe + size
    let ar = work, ai = work + size, rest = work + 2 &* size
    for k in 0..<count {
      ar[k] = re[k] * chirpRe[k] - im[k] * chirpIm[k]
      ai[k] = re[k] * chirpIm[k] + im[k] * chirpRe[k]
    }
    (ar + count).update(repeating: 0, count: size &- count)
    (ai + count).update(repeating: 0, count: size &- count)
    chirp.inner.transform(ar, ai, rest)
    for k in 0..<size {
      (ar[k], ai[k]) = (ar[k] * kernelRe[k] - ai[k] * kernelIm[k], ar[k] * kernelIm[k] + ai[k] * kernelRe[k])
    }
    chirp.inner.transform(ai, ar, rest)
    let scale = 1 / Double(size)
    for k in 0..<count {
      let xr = ar[k] * scale, xi = ai[k] * scale
      re[k] = xr * chirpRe[k] - xi * chirpIm[k]
      im[k] = xr * chirpIm[k] + xi * chirpRe[k]
    }
  }
}
