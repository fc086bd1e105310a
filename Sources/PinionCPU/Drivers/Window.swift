/// A window that slides over the spatial axes of a tensor: one number for each axis.
public struct Window: Sendable {
  /// Above every number in a window, so that sums and products of an extent and a stride stay far from overflow.
  public static let limit = 1 << 30

  public let input: [Int]
  public var kernel: [Int]
  public var stride: [Int]
  public var dilation: [Int]
  /// Elements from the first to the last that the window covers, both included.
  public var reach: [Int]
  public var padBefore: [Int]
  public var padAfter: [Int]
  public var output: [Int]

  /// A window of one element.
  public init(input: [Int]) {
    let ones = [Int](repeating: 1, count: input.count)
    self.input = input
    kernel = ones
    stride = ones
    dilation = ones
    reach = ones
    padBefore = ones.map { _ in 0 }
    padAfter = padBefore
    output = input
  }

  public var rank: Int { input.count }
  public var outputCount: Int { output.reduce(1, &*) }
  public var inputCount: Int { input.reduce(1, &*) }
  public var kernelCount: Int { kernel.reduce(1, &*) }
}

extension Window {
  /// The same windows with several rows as one, where those lie side by side in each row, fill it, and see one row: short rows cost more to begin
  /// than to go through.
  var withRowsJoined: Window {
    guard rank >= 2 else { return self }
    let last = rank - 1, row = rank - 2
    guard kernel[last] >= 3, stride[last] == kernel[last], dilation[last] == 1, input[last] == output[last] &* kernel[last], padBefore[last] == 0,
      padAfter[last] == 0, kernel[row] == 1, stride[row] == 1, padBefore[row] == 0, padAfter[row] == 0, input[row] > 1, input[last] > 0
    else { return self }
    let most = 4096 / input[last]
    guard let joined = Swift.stride(from: min(most, input[row]), to: 1, by: -1).first(where: { input[row] % $0 == 0 }) else { return self }
    var extents = input
    extents[row] /= joined
    extents[last] &*= joined
    var window = Window(input: extents)
    (window.kernel, window.stride, window.dilation, window.reach) = (kernel, self.stride, dilation, reach)
    (window.padBefore, window.padAfter, window.output) = (padBefore, padAfter, output)
    window.output[row] /= joined
    window.output[last] &*= joined
    return window
  }
}
