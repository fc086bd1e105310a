import ArgumentParser
import Pinion
import RunModelInputs

/// `NAME=TEXT`; without `NAME=` the model's only input is meant.
struct NamedText: ExpressibleByArgument {
  let name: String?
  let text: String

  init?(argument: String) {
    guard let equals = argument.firstIndex(of: "=") else {
      (name, text) = (nil, argument)
      return
    }
    name = String(argument[..<equals])
    text = String(argument[argument.index(after: equals)...])
  }
}

/// `NAME=1x3x224x224`, `NAME=` or `NAME=scalar` for a scalar; without `NAME=` the model's only input is meant.
struct NamedShape: ExpressibleByArgument {
  let name: String?
  let dims: [Int]

  init?(argument: String) {
    guard let named = NamedText(argument: argument), let dims = NamedShape.dims(named.text) else { return nil }
    (name, self.dims) = (named.name, dims)
  }

  private static func dims(_ text: String) -> [Int]? {
    if text.isEmpty || text == "scalar" { return [] }
    var dims: [Int] = []
    for part in text.split(separator: text.contains("x") ? "x" : ",", omittingEmptySubsequences: false) {
      guard let extent = Int(part), extent >= 0 else { return nil }
      dims.append(extent)
    }
    return dims
  }
}

/// `SYMBOL=SIZE`.
struct NamedSize: ExpressibleByArgument {
  let symbol: String
  let size: Int

  init?(argument: String) {
    guard let named = NamedText(argument: argument), let symbol = named.name, let size = Int(named.text), size >= 0 else { return nil }
    (self.symbol, self.size) = (symbol, size)
  }
}

/// One number, or one a channel: `0.485,0.456,0.406`.
struct NumberList: ExpressibleByArgument {
  let numbers: [Double]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Double($0) }
    guard numbers.count == parts.count, numbers.allSatisfy(\.isFinite) else { return nil }
    self.numbers = numbers
  }
}

/// `224x224`, height first, or `224` for both.
struct PictureSize: ExpressibleByArgument {
  let height: Int
  let width: Int

  init?(argument: String) {
    let parts = argument.split(separator: "x", omittingEmptySubsequences: false)
    let sides = parts.compactMap { Int($0) }
    guard sides.count == parts.count, let height = sides.first, let width = sides.last, sides.count <= 2, height > 0, width > 0 else {
      return nil
    }
    (self.height, self.width) = (height, width)
  }
}

/// A number of bytes: `1000000`, `512kB`, `64MB`, `2GB` or, in powers of 1024, `64MiB`.
struct ByteCount: ExpressibleByArgument {
  let bytes: Int

  private static let units: [(suffix: String, factor: Int)] = [
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("kB", 1000), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("B", 1),
    ("", 1),
  ]

  init?(argument: String) {
    guard let unit = ByteCount.units.first(where: { argument.hasSuffix($0.suffix) }),
      let number = Int(argument.dropLast(unit.suffix.count)), number >= 0
    else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: unit.factor)
    guard !overflow else { return nil }
    self.bytes = bytes
  }
}

/// Seconds, not negative and below a year.
struct Seconds: ExpressibleByArgument, CustomStringConvertible {
  let nanoseconds: UInt64
  let description: String

  init?(argument: String) {
    guard let seconds = Double(argument), seconds >= 0, seconds < 366 * 86400 else { return nil }
    nanoseconds = UInt64(seconds * 1e9)
    description = argument
  }

  init(tenths: UInt8) {
    nanoseconds = UInt64(tenths) * 100_000_000
    description = fixedText(Double(tenths) / 10, decimals: 1)
  }

  var defaultValueDescription: String { description }
}

extension PictureLayout: ExpressibleByArgument {}
extension ChannelOrder: ExpressibleByArgument {}
extension PictureFit: ExpressibleByArgument {}
