import Glibc
import PinionBase
import PinionGraph
import PinionTensor

/// Targets that make tensors of numbers.
extension Lowering {
  func creation(_ c: Call) throws(PinionError) -> [Term]? {
    guard let meta = c.outputMeta(), let (element, isComplex) = try? meta.element() else { return nil }
    switch c.base {
    case "zeros", "ones", "full", "empty", "new_zeros", "new_ones", "new_full", "new_empty", "new_empty_strided", "empty_strided", "empty_permuted":
      let sizes = try c.extents("size")
      return [try complexIfNeeded(try filled(try fillValue(c, element), sizes), isComplex)]
    case "zeros_like", "ones_like", "full_like", "empty_like", "fill", "zero":
      let x = try c.tensor("self")
      return [try complexIfNeeded(try expand(try fillValue(c, element), like: Term(id: x.id, element: x.element, dims: x.dims)), isComplex)]
    case "scalar_tensor", "prims.scalar_tensor": return [try complexIfNeeded(try scalar(try c.number("s"), element), isComplex)]
    case "arange": return [try arange(c, element)]
    case "linspace", "logspace":
      let steps = try c.int("steps")
      if c.key.contains("Tensor") { return [try spaced(c, steps, element)] }
      let start = try c.float("start"), end = try c.float("end")
      guard steps >= 0, steps < 1 << 24 else { throw .unsupported("\(steps) steps") }
      let wide: ElementType = .float64
      let gap = steps > 1 ? (end - start) / Double(steps - 1) : 0
      // From both ends, as PyTorch does, so that the last number is the end itself.
      let numbers = try list([steps]) { place in
        let number = Double(place) < Double(steps) / 2 ? start + gap * Double(place) : end - gap * Double(steps - 1 - place)
        return element.isInteger ? number.rounded(.towardZero) : number
      }
      if c.base == "linspace" { return [try cast(numbers, element)] }
      return [try cast(try binary("Pow", try scalar(try c.float("base"), wide), numbers), element)]
    case "eye":
      let rows = try c.extent("n"), columns = c.key == "eye.m" ? try c.extent("m") : rows
      let isOn = try equal(try unsqueeze(try range(rows), [1]), try range(columns))
      return [try cast(isOn, element)]
    case "tril_indices", "triu_indices": return [try triangle(c, element)]
    case "hann_window", "hamming_window", "blackman_window", "bartlett_window", "kaiser_window": return [try window(c, element)]
    case "fft_rfftfreq", "fft_fftfreq":
      let n = try c.int("n"), d = try c.float("d")
      guard n > 0, n < 1 << 24 else { throw .invalidModel("\(n) frequencies") }
      let isHalf = c.base == "fft_rfftfreq"
      let numbers = try list([isHalf ? n / 2 + 1 : n]) { Double(isHalf || $0 < (n + 1) / 2 ? $0 : $0 - n) / (Double(n) * d) }
      return [try cast(numbers, element)]
    default: return try random(c, element)
    }
  }

  private func complexIfNeeded(_ term: Term, _ isComplex: Bool) throws(PinionError) -> Term { isComplex ? try complexTerm(term) : term }

  private func fillValue(_ c: Call, _ element: ElementType) throws(PinionError) -> Term {
    if c.base.contains("ones") { return try scalar(Int64(1), element) }
    if c.base.contains("full") { return try scalar(try c.number("fill_value"), element) }
    if c.base == "fill" { return try reshape(try term(try c.operand("value"), element), [] as [Int64]) }
    return try scalar(Int64(0), element)
  }

  /// Numbers between two that a run gives, counted from both ends.
  private func spaced(_ c: Call, _ steps: Int64, _ element: ElementType) throws(PinionError) -> Term {
    guard steps >= 0, steps < 1 << 24 else { throw .unsupported("\(steps) steps") }
    let wide: ElementType = .float64
    let start = try reshape(try term(try c.operand("start"), wide), [1]), end = try reshape(try term(try c.operand("end"), wide), [1])
    let gap = try div(try sub(end, start), Double(max(steps - 1, 1)))
    let places = constant(try Tensor(vector: (0..<steps).map(Double.init)))
    let isFirst = try less(places, try scalar(Double(steps) / 2, wide))
    let back = try sub(try scalar(Double(steps - 1), wide), places)
    var values = try choose(isFirst, try add(start, try mul(gap, places)), try sub(end, try mul(gap, back)))
    if element.isInteger { values = try truncated(values) }
    if c.base == "logspace" { values = try binary("Pow", try scalar(try c.float("base"), wide), values) }
    return try cast(values, element)
  }

  private func arange(_ c: Call, _ element: ElementType) throws(PinionError) -> Term {
    let start = try c.number("start"), end = try c.number("end"), step = try c.number("step")
    func whole(_ number: Number) -> Bool {
      switch number {
      case .int, .bool: true
      case .float: false
      case .symbol(let term): term.element == .int64
      }
    }
    let isWhole = whole(start) && whole(end) && whole(step)
    // Numbers are counted in float64 and turned into the result's type, as PyTorch counts them.
    let wide: ElementType = isWhole ? .int64 : .float64
    let operands = [try scalar(start, wide), try scalar(end, wide), try scalar(step, wide)]
    let list = Term(id: try emit("Range", operands.map(\.id))[0], element: wide, dims: c.outputMeta()?.knownSizes ?? [nil])
    return try cast(list, element)
  }

  private func triangle(_ c: Call, _ element: ElementType) throws(PinionError) -> Term {
    let rows = try c.int("row"), columns = try c.int("col"), offset = try c.int("offset")
    guard rows >= 0, columns >= 0, rows < 1 << 12, columns < 1 << 12 else { throw .unsupported("a triangle of \(rows) by \(columns)") }
    let isLow = c.base == "tril_indices"
    /// The columns of a row that belong to the triangle.
    func part(_ row: Int64) -> Range<Int64> {
      isLow ? 0..<min(max(row + offset + 1, 0), columns) : min(max(row + offset, 0), columns)..<columns
    }
    let count = (0..<rows).reduce(Int64(0)) { $0 + Int64(part($1).count) }
    var row: Int64 = -1, left = 0..<Int64(0)
    let places = try list([2, count]) { place in
      if place == count { (row, left) = (-1, 0..<0) }
      while left.isEmpty { (row, left) = (row + 1, part(row + 1)) }
      let column = left.removeFirst()
      return place < count ? row : column
    }
    return try cast(places, element)
  }

  /// Windows as numbers; a periodic one is a symmetric one of one more without its last number.
  private func window(_ c: Call, _ element: ElementType) throws(PinionError) -> Term {
    let length = Int(try c.count("window_length"))
    let isPeriodic = c.has("periodic") ? try c.bool("periodic") : true
    let steps = Double(isPeriodic ? length : length - 1), turn = 2 * 3.141592653589793
    let alpha = c.has("alpha") ? try c.float("alpha") : 0.54, beta = c.has("beta") ? try c.float("beta") : c.base == "kaiser_window" ? 12 : 0.46
    func bessel(_ x: Double) -> Double {
      var term = 1.0, sum = 1.0
      for k in 1..<200 {
        term *= (x / (2 * Double(k))) * (x / (2 * Double(k)))
        sum += term
      }
      return sum
    }
    func value(_ index: Int) -> Double {
      guard length > 1 else { return 1 }
      let place = Double(index) / steps
      switch c.base {
      case "hann_window": return 0.5 - 0.5 * cos(turn * place)
      case "hamming_window": return alpha - beta * cos(turn * place)
      case "blackman_window": return 0.42 - 0.5 * cos(turn * place) + 0.08 * cos(2 * turn * place)
      case "bartlett_window": return 1 - abs(2 * place - 1)
      default:
        let offset = 2 * place - 1
        return bessel(beta * max(1 - offset * offset, 0).squareRoot()) / bessel(beta)
      }
    }
    return try cast(try list([Int64(length)]) { value(Int($0)) }, element)
  }
}
