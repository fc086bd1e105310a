import PinionTensor

/// A tensor of a seed: a whole byte for an element of a type that is narrower, strings apart.
struct SeedTensor {
  var element: ElementType
  var dims: [Int]
  var bytes: [UInt8] = []
  var strings: [[UInt8]] = []

  var count: Int { dims.reduce(1, &*) }
}

enum SeedAttribute {
  case int(Int64)
  case ints([Int64])
  case float(Float)
  case floats([Float])
  case string([UInt8])
  case strings([[UInt8]])
  case tensor(SeedTensor)
  /// A GraphProto or a TypeProto, as it stands in the file.
  case graph([UInt8])
  case type([UInt8])
}

indirect enum SeedValue {
  case tensor(SeedTensor)
  case sequence([SeedTensor])
  case map(keys: SeedTensor, values: SeedTensor)
  case none
}

/// What a node is given at one input.
struct SeedInput {
  var value: SeedValue
  /// The TypeProto that the model declares; nil for a tensor, whose type follows from its value.
  var declared: [UInt8]?
  var isConstant = false
  /// Whether the model declares the extents as well.
  var declaresShape = false
  /// The input goes through a node of its own first, so that it lies in the plan's arena.
  var isComputed = false
  /// The input whose name this one carries, so that the node reads one value twice.
  var alias: Int?
}

/// A model of one node with inputs that it takes.
struct Seed {
  var domain: String
  var name: String
  var opset: Int
  /// Whether each output is named.
  var outputs: [Bool]
  var attributes: [(name: String, value: SeedAttribute)] = []
  /// Nil for an input that is left out.
  var inputs: [SeedInput?] = []

  var qualifiedName: String { domain.isEmpty ? name : "\(domain)::\(name)" }
}

struct SeedError: Error, CustomStringConvertible { let description: String }

extension Seed {
  /// Reads what node-seeds.py writes: one line for a node, one for each attribute and input, and `end`.
  static func read(_ text: String) throws -> [Seed] {
    var seeds: [Seed] = []
    var current: Seed?
    for line in text.split(separator: "\n") {
      var words = Words(line: line)
      switch try words.next() {
      case "node":
        let domain = try words.next()
        current = Seed(domain: domain == "-" ? "" : domain, name: try words.next(), opset: try words.int(), outputs: [])
        current?.outputs = try words.ints().map { $0 != 0 }
      case "attribute": current?.attributes.append((try words.next(), try words.attribute()))
      case "input": current?.inputs.append(try words.input())
      case "end": if let seed = current { seeds.append(seed) }
      case let word: throw SeedError(description: "a line of the seeds starts with '\(word)'")
      }
    }
    return seeds
  }

  private struct Words {
    var words: [Substring]
    var position = 0
    let line: Substring

    init(line: Substring) {
      self.line = line
      words = line.split(separator: " ")
    }

    mutating func next() throws -> String {
      guard position < words.count else { throw SeedError(description: "the line '\(line.prefix(80))' is too short") }
      defer { position += 1 }
      return String(words[position])
    }

    mutating func int() throws -> Int {
      let word = try next()
      guard let value = Int(word) else { throw SeedError(description: "'\(word)' is no integer") }
      return value
    }

    mutating func float() throws -> Float {
      let word = try next()
      guard let bits = UInt32(word, radix: 16) else { throw SeedError(description: "'\(word)' is no float") }
      return Float(bitPattern: bits)
    }

    mutating func list<T>(_ element: (inout Words) throws -> T) throws -> [T] {
      let count = try int()
      var result: [T] = []
      for _ in 0..<count { result.append(try element(&self)) }
      return result
    }

    mutating func ints() throws -> [Int] { try list { words in try words.int() } }

    /// Bytes as hexadecimal digits after an `x`.
    mutating func bytes() throws -> [UInt8] {
      let digits = Array(try next().utf8.dropFirst())
      var result: [UInt8] = []
      result.reserveCapacity(digits.count / 2)
      func value(_ digit: UInt8) -> UInt8 { digit < 58 ? digit &- 48 : digit &- 87 }
      for index in stride(from: 0, to: digits.count - 1, by: 2) { result.append(value(digits[index]) << 4 | value(digits[index + 1])) }
      return result
    }

    mutating func tensor() throws -> SeedTensor {
      let word = try next()
      guard let element = ElementType(name: word) else { throw SeedError(description: "'\(word)' is no element type") }
      var tensor = SeedTensor(element: element, dims: try ints())
      if element == .string { tensor.strings = try list { words in try words.bytes() } } else { tensor.bytes = try bytes() }
      let expected = tensor.count * element.byteWidth
      guard element == .string ? tensor.strings.count == tensor.count : tensor.bytes.count == expected else {
        throw SeedError(description: "a \(element) tensor of shape \(tensor.dims) has \(tensor.bytes.count) bytes")
      }
      return tensor
    }

    mutating func attribute() throws -> SeedAttribute {
      switch try next() {
      case "int": .int(Int64(try int()))
      case "ints": .ints(try ints().map(Int64.init))
      case "float": .float(try float())
      case "floats": .floats(try list { words in try words.float() })
      case "string": .string(try bytes())
      case "strings": .strings(try list { words in try words.bytes() })
      case "tensor": .tensor(try tensor())
      case "graph": .graph(try bytes())
      case "type": .type(try bytes())
      case let word: throw SeedError(description: "'\(word)' is no kind of attribute")
      }
    }

    mutating func input() throws -> SeedInput? {
      switch try next() {
      case "absent": return nil
      case "tensor": return SeedInput(value: .tensor(try tensor()))
      case "constant":
        var input = SeedInput(value: .tensor(try tensor()))
        input.isConstant = true
        return input
      case "other":
        let declared = try bytes()
        return SeedInput(value: try value(), declared: declared)
      case let word: throw SeedError(description: "'\(word)' is no kind of input")
      }
    }

    private mutating func value() throws -> SeedValue {
      switch try next() {
      case "none": .none
      case "tensor": .tensor(try tensor())
      case "sequence": .sequence(try list { words in try words.tensor() })
      case "map": .map(keys: try tensor(), values: try tensor())
      case let word: throw SeedError(description: "'\(word)' is no kind of value")
      }
    }
  }
}
