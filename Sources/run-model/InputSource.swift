import Pinion
import RunModelInputs

/// Where an input comes from.
enum InputSource {
  case random(range: (Double, Double)?)
  case zeros
  case literal(Literal)
  case file(String)
  case archive(NpzFile)
  case picture(String)

  private static let fileSuffixes = [".npy", ".npz", ".pb", ".txt", ".bin"]

  /// - Parameter element: of the input; for strings, text that is no list is taken as it is.
  init(_ text: String, element: ElementType?) throws(PinionError) {
    let words = text.split(separator: ":", omittingEmptySubsequences: false)
    if words.first == "random" {
      guard words.count == 1 || words.count == 3 else { throw .invalidArgument("'\(text)'; expected random or random:LOW:HIGH") }
      guard words.count == 3 else {
        self = .random(range: nil)
        return
      }
      guard let low = Double(words[1]), let high = Double(words[2]) else { throw .invalidArgument("'\(text)' has no numbers") }
      guard SeededGenerator.canSpread(low, high) else { throw .invalidArgument("'\(text)'; expected finite numbers, the smaller one first") }
      self = .random(range: (low, high))
    } else if text == "zeros" {
      self = .zeros
    } else if text == "ones" {
      self = .literal(Literal(verbatim: "1"))
    } else if InputSource.fileSuffixes.contains(where: { text.hasSuffix($0) }) {
      self = .file(text)
    } else if [".png", ".jpg", ".jpeg"].contains(where: { text.hasSuffix($0) }) {
      throw .invalidArgument("pictures are given by --image, not by --input")
    } else if element == .string, !text.hasPrefix("["), !text.hasPrefix("\"") {
      self = .literal(Literal(verbatim: text))
    } else {
      self = .literal(try Literal(text))
    }
  }

  /// Whether the source decides its own shape, so that it can be read before open dimensions are settled.
  var isConcrete: Bool {
    switch self {
    case .archive: true
    case .file(let path): path.hasSuffix(".npy") || path.hasSuffix(".npz") || path.hasSuffix(".pb")
    case .random, .zeros, .literal, .picture: false
    }
  }

  /// The value of a concrete source.
  func read(_ info: ValueInfo) throws(PinionError) -> Value {
    var element: ElementType?
    if case .tensor(let type, _)? = info.type { element = type }
    switch self {
    case .archive(let file): return .tensor(try fitting(try file.tensor(info.name, expected: element), info, element))
    case .file(let path):
      let mapping = try FileMapping(path: path)
      if path.hasSuffix(".pb") { return try Value(onnx: mapping, type: info.type ?? .tensor(.float32, dims: nil)) }
      if path.hasSuffix(".npy") {
        let tensor = try withExtendedLifetime(mapping) { () throws(PinionError) in
          try Tensor(npy: mapping.bytes, name: path, expected: element)
        }
        return .tensor(try fitting(tensor, info, element))
      }
      let archive = try NpzFile(mapping)
      let name = archive.names.count == 1 ? archive.names[0] : info.name
      return .tensor(try fitting(try archive.tensor(name, expected: element), info, element))
    case .random, .zeros, .literal, .picture: throw .internal("an input without a shape of its own")
    }
  }

  private func fitting(_ tensor: Tensor, _ info: ValueInfo, _ element: ElementType?) throws(PinionError) -> Tensor {
    guard let element, element != tensor.element else { return tensor }
    do throws(PinionError) {
      let converted = try tensor.losslessly(as: element)
      printNote("input '\(info.name)' is \(tensor.type) and was converted to \(element)")
      return converted
    } catch {
      var error = error
      error.message = "input '\(info.name)': \(error.message)"
      throw error
    }
  }
}
