import PinionBase
import PinionTensor

/// The members of a `.pt2` file: one program and its weights.
struct PT2Archive {
  let zip: ZipArchive
  let control: RunControl
  /// The folder that holds everything; its name is that of the file when it was saved.
  let root: String
  let programName: String

  /// - Parameter control: the limits of the load.
  init(_ file: FileMapping, _ control: RunControl = RunControl()) throws(PinionError) {
    self.control = control
    zip = try ZipArchive(file, control)
    guard let first = zip.names.first else { throw .invalidModel("\(file.name) is an empty archive") }
    root = String(first.prefix { $0 != "/" })
    try PT2Archive.refuseOthers(zip, root: root, file: file.name)
    let prefix = "\(root)/models/", suffix = ".json"
    let programs = zip.names.filter { $0.hasPrefix(prefix) && $0.hasSuffix(suffix) }
    guard let program = programs.first else { throw .invalidModel("\(file.name): the archive has no member '\(prefix)NAME.json'") }
    guard programs.count == 1 else {
      let names = programs.map { $0.dropFirst(prefix.count).dropLast(suffix.count) }.joined(separator: ", ")
      throw .unsupported("\(file.name) holds \(programs.count) programs (\(names)); save each with torch.export.save to a file of its own")
    }
    programName = String(program.dropFirst(prefix.count).dropLast(suffix.count))
  }

  /// Says what to export instead of a kind of zip archive that is no exported program, or one of an older layout.
  private static func refuseOthers(_ zip: ZipArchive, root: String, file: String) throws(PinionError) {
    let instead = "save it with torch.export.save of torch 2.9 or newer"
    if zip.has("\(root)/archive_format") {
      if let order = try zip.member("\(root)/byteorder")?.text, !order.hasPrefix("little") { throw .unsupported("\(file) is in byte order '\(order)'") }
      let isAOT = zip.names.contains { $0.hasPrefix("\(root)/data/aotinductor/") }
      if isAOT, !zip.names.contains(where: { $0.hasPrefix("\(root)/models/") }) {
        throw .unsupported("\(file) is an AOTInductor package, compiled for one machine; export the model itself: \(instead)")
      }
      return
    }
    if zip.has("serialized_exported_program.json") {
      throw .unsupported("\(file) is a .pt2 of torch 2.7 or older, whose weights are pickles; \(instead)")
    }
    if zip.names.contains(where: { $0.hasPrefix("\(root)/code/") }) || zip.has("\(root)/constants.pkl") {
      throw .unsupported("\(file) is a TorchScript archive; export the model with torch.export.export and \(instead)")
    }
    if zip.has("\(root)/data.pkl") {
      throw .unsupported("\(file) is a pickle of torch.save, which may run any code when it is read; export the model with torch.export.export and \(instead)")
    }
    throw .unsupported("\(file) is a zip archive that is no .pt2; export the model with torch.export.export and \(instead)")
  }

  func program() throws(PinionError) -> PT2Program {
    let name = "\(root)/models/\(programName).json"
    guard let bytes = try zip.member(name) else { throw .invalidModel("the archive has no member '\(name)'") }
    return try withExtendedLifetime(zip.file) { () throws(PinionError) in
      let budget = budget
      return try PT2Program(try JSONReader.read(bytes.bytes, budget), budget)
    }
  }

  /// Counts the structures of one member of the archive.
  private var budget: WireBudget {
    var limits = WireLimits()
    limits.control = control
    return WireBudget(limits)
  }

  /// The tensors that the weights or the constants hold, by name.
  func tensors(constants: Bool) throws(PinionError) -> PT2Tensors {
    let folder = constants ? "constants" : "weights"
    let name = "\(root)/data/\(folder)/\(programName)_\(folder)_config.json"
    guard let bytes = try zip.member(name) else {
      if zip.has("\(root)/data/\(folder)/\(programName).pt") {
        throw .unsupported("the \(folder) are a pickle, as torch 2.8 writes them; save the program with torch.export.save of torch 2.9 or newer")
      }
      return PT2Tensors(archive: self, folder: folder, entries: [:])
    }
    let json = try withExtendedLifetime(zip.file) { () throws(PinionError) in try JSONReader.read(bytes.bytes, budget) }
    var entries: [String: JSONValue] = [:]
    for (name, entry) in try json.member("config").asObject("config") {
      try control.check()
      entries[name] = entry
    }
    return PT2Tensors(archive: self, folder: folder, entries: entries)
  }
}

/// Tensors of an archive, made when they are asked for.
struct PT2Tensors {
  let archive: PT2Archive
  let folder: String
  let entries: [String: JSONValue]

  /// The tensor of a name; in the file's own memory where it lies there as tensors do here. Complex ones have a last axis of two.
  func tensor(_ name: String) throws(PinionError) -> (tensor: Tensor, isComplex: Bool)? {
    guard let entry = entries[name] else { return nil }
    if try entry["use_pickle"]?.asBool("use_pickle") ?? false {
      throw .unsupported("weight '\(name)' is a pickle (a tensor subclass or an object); only plain tensors are read")
    }
    let path = "\(archive.root)/data/\(folder)/\(try entry.member("path_name").asString("path_name"))"
    let meta = try PT2Meta(try entry.member("tensor_meta"))
    let (element, isComplex) = try meta.element()
    guard meta.sizes.count == meta.strides.count, let offset = meta.storageOffset else {
      throw .invalidModel("weight '\(name)' has \(meta.sizes.count) sizes and \(meta.strides.count) strides")
    }
    var dims: [Int] = [], strides: [Int] = []
    for (size, stride) in zip(meta.sizes, meta.strides) {
      guard case .known(let size) = size, case .known(let stride) = stride, stride >= 0, size >= 0 else {
        throw .invalidModel("weight '\(name)' has sizes or strides that are no numbers")
      }
      dims.append(try size.converted())
      strides.append(try stride.converted())
    }
    if isComplex {
      for axis in strides.indices { strides[axis] = try strides[axis].multiplied(by: 2) }
      dims.append(2)
      strides.append(1)
    }
    let type = TensorType(element, try Shape(dims))
    if type.count == 0 { return (try Tensor(type), isComplex) }
    guard let storage = try archive.zip.member(path) else { throw .invalidModel("weight '\(name)': the archive has no member '\(path)'") }
    let first = try (offset.converted() as Int).multiplied(by: isComplex ? 2 : 1)
    var last = first
    for (size, stride) in zip(dims, strides) { last = try last.adding(try (size - 1).multiplied(by: stride)) }
    guard first >= 0, try last.adding(1).multiplied(by: element.byteWidth) <= storage.count else {
      throw .invalidModel("weight '\(name)' reaches element \(last) of a storage of \(storage.count) bytes")
    }
    let memory = try storage.slice(offset: first * element.byteWidth, count: (last - first + 1) * element.byteWidth)
    let isContiguous = zip(zip(dims, strides), type.shape.strides).allSatisfy { $0.0 == 1 || $0.1 == $1 }
    if isContiguous, memory.isAligned(to: element.byteWidth), let start = memory.bytes.baseAddress {
      return (Tensor(type, data: UnsafeMutableRawPointer(mutating: start), owner: memory.owner), isComplex)
    }
    return (try gathered(memory, type, strides: strides), isComplex)
  }

  /// A copy in rows of elements that lie `strides` apart, all of which are known to be inside.
  private func gathered(_ memory: MappedBytes, _ type: TensorType, strides: [Int]) throws(PinionError) -> Tensor {
    // The file may say that many elements lie in one place.
    try archive.control.takeBytes(type.byteCount)
    let result = try Tensor(type)
    guard let source = memory.bytes.baseAddress else { return result }
    let width = type.element.byteWidth
    var index = [Int](repeating: 0, count: type.rank)
    var position = 0
    var poll = Poll(archive.control)
    for element in 0..<type.count {
      try poll.count()
      (result.data + element * width).copyMemory(from: source + position * width, byteCount: width)
      var axis = type.rank - 1
      while axis >= 0 {
        index[axis] += 1
        position += strides[axis]
        if index[axis] < type.dims[axis] { break }
        position -= index[axis] * strides[axis]
        index[axis] = 0
        axis -= 1
      }
    }
    return withExtendedLifetime(memory.owner) { result }
  }
}
