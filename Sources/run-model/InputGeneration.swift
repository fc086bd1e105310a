import Glibc
import Pinion
import RunModelInputs

extension InputResolver {
  /// A value for an input whose source has no shape of its own.
  mutating func generate(_ source: InputSource, _ info: ValueInfo, _ generator: inout SeededGenerator) throws(Failure) -> Value {
    let subject = "input '\(info.name)'"
    switch source {
    case .random(let range):
      let type = try type(info)
      return try following(subject: subject) { () throws(PinionError) in .tensor(try generator.tensor(type, range: range)) }
    case .zeros:
      switch info.type {
      case .sequence(let element)?: return .sequence([], element: element)
      case .optional(let content)?: return .none(content)
      default: break
      }
      let type = try type(info)
      return try following(subject: subject) { () throws(PinionError) in
        guard type.element != .string else { return .tensor(try Literal(verbatim: "").tensor(type)) }
        let tensor = try Tensor(type)
        memset(tensor.data, 0, tensor.byteCount)
        return .tensor(tensor)
      }
    case .literal(let literal): return .tensor(try tensor(literal, info))
    case .file(let path): return .tensor(try read(path, info))
    case .picture(let path): return .tensor(try picture(path, info))
    case .archive: throw Failure(.run, .internal("\(subject) has a shape of its own"))
    }
  }

  private mutating func tensor(_ literal: Literal, _ info: ValueInfo) throws(Failure) -> Tensor {
    let type = try type(of: literal, info)
    return try following(subject: "input '\(info.name)'") { () throws(PinionError) in try literal.tensor(type) }
  }

  /// The shape that brackets show, or the declared one with an open dimension filled from the number of words.
  private mutating func type(of literal: Literal, _ info: ValueInfo) throws(Failure) -> TensorType {
    let element = info.type?.element ?? .float32
    let dims: [Int]
    if let shown = literal.dims {
      dims = shown
    } else if let known = knownDims(info) {
      let open = known.indices.filter { known[$0] == nil }
      let product = known.reduce(1) { $0.multipliedReportingOverflow(by: $1 ?? 1).partialValue }
      guard open.count == 1, literal.words.count != 1, product > 0, literal.words.count % product == 0 else { return try type(info) }
      dims = known.map { $0 ?? literal.words.count / product }
    } else {
      dims = literal.words.count == 1 ? [] : [literal.words.count]
    }
    return TensorType(element, try shape(dims, info))
  }

  /// An input from a .txt or .bin file.
  private mutating func read(_ path: String, _ info: ValueInfo) throws(Failure) -> Tensor {
    let file = try failing(.run) { () throws(PinionError) in try FileMapping(path: path) }
    if path.hasSuffix(".txt") {
      guard let text = file.all.text else { throw Failure(.run, "'\(path)' is no UTF-8 text") }
      let literal = info.type?.element == .string ? Literal(lines: text) : Literal(words: text)
      let type = try type(of: literal, info)
      return try failing(.run, subject: path) { () throws(PinionError) in try literal.tensor(type) }
    }
    let type = try type(info)
    guard type.element != .string, type.byteCount == file.bytes.count else {
      throw Failure(.run, "'\(path)' has \(file.bytes.count) bytes; input '\(info.name)' is \(type), of \(type.byteCount)")
    }
    return try failing(.run, subject: path) { () throws(PinionError) in
      try withExtendedLifetime(file) { () throws(PinionError) in try Tensor(copying: file.bytes, type) }
    }
  }

  private func picture(_ path: String, _ info: ValueInfo) throws(Failure) -> Tensor {
    guard let dims = knownDims(info) else {
      throw Failure(.usage, "the model does not say the rank of input '\(info.name)'; give --shape \(info.name)=...")
    }
    let subject = "input '\(info.name)'"
    let file = try failing(.run, subject: subject) { () throws(PinionError) in try FileMapping(path: path) }
    do throws(PinionError) {
      return try preparation.tensor(file, element: info.type?.element ?? .float32, dims: dims)
    } catch {
      // What the picture is asked for does not fit the input, or the file is no such picture.
      throw Failure(error.code == .invalidArgument ? .usage : .run, error, subject: subject)
    }
  }
}
