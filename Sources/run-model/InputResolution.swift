import Pinion
import RunModelInputs

/// The inputs of a model as the command line gives them, read and generated.
struct ResolvedInputs {
  /// One for each of the session's inputs; nil for those that keep their default.
  private(set) var values: [Value?] = []
  /// For each input whether its elements were chosen by the caller and not by chance.
  private(set) var isGiven: [Bool] = []
  /// How each input came about, for reports.
  private(set) var descriptions: [(name: String, type: ValueType, source: String)] = []

  /// - Parameters:
  ///   - fallback: what an input without a word on the command line gets; nil to refuse.
  ///   - refusesPixels: whether open heights and widths that would be taken as 1 are an error.
  init(_ options: InputOptions, model: Model, fallback: InputSource?, refusesPixels: Bool = false) throws(Failure) {
    var resolver = try InputResolver(options, model: model)
    try resolver.readConcrete()
    var generator = SeededGenerator(seed: options.seed)
    var missing: [String] = []
    for (index, info) in resolver.infos.enumerated() {
      let isOptional = index >= model.inputs.count
      let source = resolver.sources[info.name]
      if let value = resolver.concrete[info.name] {
        append(value, info, given: true, "file")
      } else if let source {
        let value = try resolver.generate(source, info, &generator)
        if case .random = source { append(value, info, given: false, "random") } else { append(value, info, given: true, "given") }
      } else if isOptional || info.type?.isOptional == true {
        append(nil, info, given: false, "default")
      } else if let fallback {
        append(try resolver.generate(fallback, info, &generator), info, given: false, "random")
      } else {
        missing.append("\(info.name): \(info.type.map(\.description) ?? "of any type")")
      }
    }
    guard missing.isEmpty else {
      let lead = missing.count == 1 ? "no input" : "no inputs"
      throw Failure(.usage, lead + listed(missing, " ") + "; give --input NAME=FILE or NAME=random")
    }
    if let picture = resolver.pixels.first, refusesPixels {
      throw Failure(.usage, "\(picture) would be a picture of one pixel; give --dim or --shape, or --yes to go on")
    }
    for note in resolver.notes { printNote(note) }
  }

  private mutating func append(_ value: Value?, _ info: ValueInfo, given: Bool, _ source: String) {
    values.append(value)
    isGiven.append(given)
    if let value { descriptions.append((info.name, value.type, source)) }
  }
}

/// Names in quotes after `lead`; nothing where there are none, and a count for those that are too many for a line.
func listed(_ names: [String], _ lead: String, limit: Int = 10) -> String {
  guard !names.isEmpty else { return "" }
  let rest = names.count > limit ? " and \(names.count - limit) more" : ""
  return lead + names.prefix(limit).map { "'\($0)'" }.joined(separator: ", ") + rest
}

extension ValueType {
  var isOptional: Bool { if case .optional = self { true } else { false } }
}

/// Matches options with inputs and settles open dimensions.
struct InputResolver {
  /// The model's own inputs, then those with a default.
  let infos: [ValueInfo]
  private let requiredCount: Int
  private(set) var sources: [String: InputSource] = [:]
  private(set) var concrete: [String: Value] = [:]
  private(set) var notes: [String] = []
  /// Inputs of four or more axes of which two or more behind the first are open and taken as 1.
  private(set) var pixels: [String] = []
  private var shapes: [String: [Int]] = [:]
  private var sizes: [String: Int] = [:]
  let preparation: PicturePreparation

  init(_ options: InputOptions, model: Model) throws(Failure) {
    infos = model.inputs + model.overridableInputs
    requiredCount = model.inputs.count
    preparation = options.pictures.preparation
    for size in options.dim { sizes[size.symbol] = size.size }
    let symbols = Set(infos.flatMap { $0.type?.symbols ?? [] })
    for size in options.dim where !symbols.contains(size.symbol) {
      throw Failure(.usage, "no input has a dimension '\(size.symbol)'" + listed(symbols.sorted(), "; there are "))
    }
    for shape in options.shape {
      let info = try info(shape.name)
      guard shapes.updateValue(shape.dims, forKey: info.name) == nil else { throw Failure(.usage, "two shapes for input '\(info.name)'") }
    }
    for given in options.input {
      let info = try info(given.name)
      try add(try following(subject: "input '\(info.name)'") { () throws(PinionError) in
        try InputSource(given.text, element: info.type?.element)
      }, info.name)
    }
    for picture in options.pictures.image { try add(.picture(picture.text), try info(picture.name).name) }
    if let path = options.inputs {
      let archive = try failing(.run) { () throws(PinionError) in try NpzFile(path: path) }
      for name in archive.names {
        guard infos.contains(where: { $0.name == name }) else {
          throw Failure(.run, "'\(path)' has '\(name)', which is no input" + listed(infos.map(\.name), "; there are "))
        }
        try add(.archive(archive), name)
      }
    }
  }

  private func info(_ name: String?) throws(Failure) -> ValueInfo {
    guard let name else {
      guard requiredCount == 1 || infos.count == 1 else {
        throw Failure(.usage, "the model has \(infos.count) inputs, say which" + listed(infos.map(\.name), ": "))
      }
      return infos[0]
    }
    guard let info = infos.first(where: { $0.name == name }) else {
      throw Failure(.usage, "the model has no input '\(name)'" + listed(infos.map(\.name), "; it has "))
    }
    return info
  }

  private mutating func add(_ source: InputSource, _ name: String) throws(Failure) {
    guard sources.updateValue(source, forKey: name) == nil else { throw Failure(.usage, "input '\(name)' is given twice") }
  }

  /// Reads the inputs that have a shape of their own, from which symbolic dimensions then have their sizes.
  mutating func readConcrete() throws(Failure) {
    for info in infos {
      guard let source = sources[info.name], source.isConcrete else { continue }
      let value = try failing(.run) { () throws(PinionError) in try source.read(info) }
      concrete[info.name] = value
      guard case .tensor(let tensor) = value, case .tensor(_, let dims?)? = info.type, dims.count == tensor.shape.rank else { continue }
      for (dimension, extent) in zip(dims, tensor.shape.dims) {
        if case .symbol(let symbol) = dimension, sizes[symbol] == nil { sizes[symbol] = extent }
      }
    }
  }

  /// The input's extents as far as they are known: from --shape, or from the model and symbols' sizes.
  func knownDims(_ info: ValueInfo) -> [Int?]? {
    if let shape = shapes[info.name] { return shape }
    guard case .tensor(_, let dims?)? = info.type else { return nil }
    return dims.map { dimension in
      switch dimension {
      case .known(let extent): extent
      case .symbol(let symbol): sizes[symbol]
      case .unknown: nil
      }
    }
  }

  /// A complete type for the input; open dimensions become 1 with a note.
  mutating func type(_ info: ValueInfo) throws(Failure) -> TensorType {
    let element: ElementType
    switch info.type {
    case .tensor(let type, _)?: element = type
    case nil: element = .float32
    case let type?: throw Failure(.usage, "input '\(info.name)' is \(type) and can come from a .pb file alone")
    }
    guard let known = knownDims(info) else {
      throw Failure(.usage, "the model does not say the rank of input '\(info.name)'; give --shape \(info.name)=...")
    }
    if known.count >= 4, known.dropFirst().count(where: { $0 == nil }) >= 2, let type = info.type { pixels.append("input '\(info.name)': \(type)") }
    var dims: [Int] = []
    for (axis, extent) in known.enumerated() {
      if extent == nil { noteOpen(info, axis) }
      dims.append(extent ?? 1)
    }
    return TensorType(element, try shape(dims, info))
  }

  /// The shape that the command line gives an input, which has to be one that the model takes.
  func shape(_ dims: [Int], _ info: ValueInfo) throws(Failure) -> Shape {
    let shape = try following(subject: "input '\(info.name)'") { () throws(PinionError) in try Shape(dims) }
    guard case .tensor(let element, let declared?)? = info.type else { return shape }
    let fits =
      declared.count == dims.count
      && zip(declared, dims).allSatisfy { dimension, extent in if case .known(let expected) = dimension { expected == extent } else { true } }
    guard fits else {
      throw Failure(.usage, "input '\(info.name)' is given as \(TensorType(element, shape)), the model takes \(ValueType.tensor(element, dims: declared))")
    }
    return shape
  }

  private mutating func noteOpen(_ info: ValueInfo, _ axis: Int) {
    if case .tensor(_, let dims?)? = info.type, dims.indices.contains(axis), case .symbol(let symbol) = dims[axis] {
      sizes[symbol] = 1
      notes.append("dimension '\(symbol)' is open and taken as 1; --dim \(symbol)=SIZE sets it")
    } else {
      notes.append("dimension \(axis) of input '\(info.name)' is open and taken as 1; --shape \(info.name)=... sets it")
    }
  }
}

extension ValueType {
  /// The names of symbolic dimensions of a tensor.
  fileprivate var symbols: [String] {
    guard case .tensor(_, let dims?) = self else { return [] }
    return dims.compactMap { if case .symbol(let name) = $0 { name } else { nil } }
  }

  /// The element type of a tensor.
  var element: ElementType? { if case .tensor(let element, _) = self { element } else { nil } }
}
