import PinionBase
import PinionGraph
import PinionTensor

/// Targets whose results share memory with their input, and those that write to it.
extension Lowering {
  func lowerAliasing(_ call: Call) throws(PinionError) -> Bool {
    if let view = call.ownView { return try lowerAliasing(view) }
    if call.isInPlace { return try lowerWrite(call) }
    if let copied = call.copiedView, let views = try views(of: copied) {
      let base = try call.handle("self")
      var results: [Term] = []
      for chain in views {
        var term = try read(base)
        for step in chain { term = try apply(step, term) }
        results.append(try op("Identity", [term]))
      }
      try bind(results, call)
      return true
    }
    if case .tensors(let names)? = call.argument("tensors"), call.base.hasPrefix("atleast_") { return try lowerEach(call, names) }
    if let views = try views(of: call) {
      let base = try call.handle("self")
      if let results = try split(base, views) {
        try bindHandles(results, call)
        return true
      }
      var results: [TensorHandle] = []
      for chain in views {
        var handle = base
        for step in chain { handle = try view(handle, step) }
        results.append(handle)
      }
      try bindHandles(results, call)
      return true
    }
    switch call.key {
    case "dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout":
      guard try !call.bool("train") else { throw .unsupported("dropout in training; export the model after model.eval()") }
      try bindHandles([try call.handle("input")], call)
      return true
    case "contiguous":
      guard let meta = call.meta("self"), isContiguous(meta) else { return false }
      try bindHandles([try call.handle("self")], call)
      return true
    case "to.dtype", "to.dtype_layout", "to.device", "to.other", "type_as":
      guard case .tensor(let name)? = call.node.outputs.first, let output = source.tensors[name], let input = call.meta("self") else { return false }
      let copies = call.has("copy") ? try call.bool("copy") : false
      guard output.dtype == input.dtype, !copies else { return false }
      try bindHandles([try call.handle("self")], call)
      return true
    case "meshgrid.indexing", "meshgrid", "broadcast_tensors": return false
    case "as_strided", "as_strided_copy":
      let handle = try call.handle("self")
      var base = TensorHandle(sharing: handle.storage, views: [], value: handle.storage.contents)
      if let order = handle.storage.layout.flatMap(memoryOrder) { base = try self.view(base, .permute(order)) }
      let view = View.strided(
        sizes: try call.ints("size"), strides: try call.ints("stride"),
        offset: try call.storageOffset())
      let seen = try self.view(base, view)
      if call.key == "as_strided" { try bindHandles([seen], call) } else { try bind([try op("Identity", [try read(seen)])], call) }
      return true
    default: return false
    }
  }

  /// A target of one tensor for each tensor of a list.
  private func lowerEach(_ call: Call, _ names: [String?]) throws(PinionError) -> Bool {
    var handles: [TensorHandle] = []
    for case let name? in names {
      let one = Call(call, key: call.base, base: call.base).replacing("self", by: .tensor(name))
      guard let chain = try views(of: one)?.first else { return false }
      var handle = try handle(name)
      for step in chain { handle = try view(handle, step) }
      handles.append(handle)
    }
    try bindHandles(handles, call)
    return true
  }

  /// Slices that make up the whole of an axis of known extent between them, as one Split; nil for other views.
  private func split(_ base: TensorHandle, _ views: [[View]]) throws(PinionError) -> [TensorHandle]? {
    guard views.count > 1 else { return nil }
    let term = try read(base)
    var sizes: [Int64] = [], end: Int64 = 0, axis: Int?
    for chain in views {
      guard chain.count == 1, case .slice(let along, .known(end), .known(let next), 1) = chain[0], along == axis ?? along, next >= end
      else { return nil }
      axis = along
      sizes.append(next - end)
      end = next
    }
    guard let axis, term.dims[axis].map(Int64.init) == end else { return nil }
    let ids = try emit("Split", [term.id, try vector(sizes)], ["axis": .int(Int64(axis))], outputs: sizes.count)
    var handles: [TensorHandle] = []
    for (index, id) in ids.enumerated() {
      var dims = term.dims
      dims[axis] = Int(sizes[index])
      handles.append(TensorHandle(of: base, views[index][0], value: Term(id: id, element: term.element, dims: dims, isComplex: term.isComplex)))
    }
    return handles
  }

  private func bindHandles(_ handles: [TensorHandle], _ call: Call) throws(PinionError) {
    var names: [String?] = []
    for output in call.node.outputs {
      switch output {
      case .tensor(let name): names.append(name)
      case .tensors(let list): names += list
      default: names.append(nil)
      }
    }
    for (name, handle) in zip(names, handles) {
      guard let name else { continue }
      let term = try read(handle)
      if graph[term.id].name.isEmpty { graph[term.id].name = name }
      tensors[name] = handle
    }
  }

  /// A target that writes to its first argument: the target without the underscore, whose result becomes the contents.
  private func lowerWrite(_ call: Call) throws(PinionError) -> Bool {
    let name = call.node.inputs.first?.name ?? "self"
    let handle = try call.handle(name)
    if call.base != "dropout" && call.base != "requires_grad" {
      guard let result = try writtenResult(call) else { return false }
      let old = try read(handle)
      // The tensor itself takes part in what it becomes, so that no broadcasting is left to be done but of filling.
      var new = try cast(result, old.element)
      if new.rank == old.rank { new.dims = old.dims } else { new = try expand(new, like: old) }
      try write(new, to: handle)
    }
    try bindHandles([handle], call)
    return true
  }

  private func writtenResult(_ call: Call) throws(PinionError) -> Term? {
    switch call.base {
    case "resize", "resize_as", "set": throw .unsupported("a change of the tensor's own memory")
    default: return try results(of: call)?.first
    }
  }

  func isContiguous(_ meta: PT2Meta) -> Bool {
    var expected: Int64? = 1
    for (size, stride) in zip(meta.sizes, meta.strides).reversed() {
      if case .known(1) = size { continue }
      if case .known(let stride) = stride { guard expected == stride else { return false } } else if expected != nil { return false }
      if case .known(let size) = size { expected = expected.map { $0 &* max(size, 1) } } else { expected = nil }
    }
    return true
  }

  /// The dimensions from the outermost in memory on, where that is another order than their own and the elements lie close together.
  func memoryOrder(_ meta: PT2Meta) -> [Int]? {
    guard meta.strides.count == meta.sizes.count, !isContiguous(meta) else { return nil }
    var axes: [(axis: Int, size: Int64, stride: Int64)] = []
    for (axis, (size, stride)) in zip(meta.sizes, meta.strides).enumerated() {
      guard case .known(let size) = size, case .known(let stride) = stride else { return nil }
      axes.append((axis, size, stride))
    }
    axes.sort { ($0.stride, $1.axis) > ($1.stride, $0.axis) }
    var expected: Int64 = 1
    for (_, size, stride) in axes.reversed() where size != 1 {
      guard stride == expected else { return nil }
      expected = expected &* size
    }
    return axes.map(\.axis)
  }

  /// Whether a reshape of such a tensor shares its memory: each new dimension lies within old ones that follow each other.
  private func sharesMemory(_ input: PT2Meta, _ output: PT2Meta) -> Bool {
    if isContiguous(input) { return true }
    guard let numbers = Lowering.examples([input.sizes, input.strides, output.sizes]) else { return false }
    var sizes: [Int64] = [], strides: [Int64] = []
    let targets = numbers[2]
    for (size, stride) in zip(numbers[0], numbers[1]) where size != 1 {
      sizes.append(size)
      strides.append(stride)
    }
    guard targets.allSatisfy({ $0 > 0 }) else { return false }
    var target = targets.count - 1, index = sizes.count - 1
    while index >= 0 {
      var run = sizes[index]
      while index > 0, strides[index - 1] == sizes[index] &* strides[index] {
        index -= 1
        run = run &* sizes[index]
      }
      var covered: Int64 = 1
      while target >= 0, covered < run || targets[target] == 1 {
        covered = covered &* targets[target]
        target -= 1
      }
      guard covered == run else { return false }
      index -= 1
    }
    return true
  }

  /// Lists of sizes as numbers: each symbol as one that has many divisors and is equal to no other's, so that sizes and strides which follow
  /// from each other do so as well. nil where one is no expression.
  private static func examples(_ lists: [[PT2Size]]) -> [[Int64]]? {
    let primes: [Int64] = [11, 13, 17, 19, 23, 29, 31, 37]
    var symbols: [String: Int64] = [:]
    var result: [[Int64]] = []
    for list in lists {
      var numbers: [Int64] = []
      for size in list {
        switch size {
        case .known(let number): numbers.append(number)
        case .named: return nil
        case .expression(let text):
          guard let expression = SymbolExpression(text) else { return nil }
          for name in expression.symbols.sorted() where symbols[name] == nil { symbols[name] = 840 &* primes[symbols.count % primes.count] }
          guard let number = expression.value({ symbols[$0] }) else { return nil }
          numbers.append(number)
        }
      }
      result.append(numbers)
    }
    return result
  }

  // MARK: Views

  /// For each result the views that lead to it; nil for a target whose results have memory of their own.
  private func views(of call: Call) throws(PinionError) -> [[View]]? {
    switch call.key {
    case "alias", "detach", "positive", "lift", "expand_as", "view_as", "t", "mT", "mH", "numpy_T", "squeeze", "unflatten.int", "ravel",
      "view", "view.dtype", "_unsafe_view", "reshape", "reshape_as", "flatten.using_ints", "permute", "transpose.int", "swapaxes", "swapdims",
      "movedim.int", "movedim.intlist", "moveaxis.int", "moveaxis.intlist", "matrix_H", "dsplit.int", "unsafe_chunk", "unsqueeze", "squeeze.dim", "squeeze.dims", "slice.Tensor", "narrow", "select.int", "expand", "broadcast_to",
      "diagonal", "unfold", "chunk", "split.Tensor", "split_with_sizes", "split.sizes", "unsafe_split.Tensor", "unsafe_split_with_sizes", "tensor_split.sections",
      "tensor_split.indices", "unbind.int", "real", "imag", "view_as_real", "view_as_complex", "atleast_1d", "atleast_2d", "atleast_3d", "_reshape_alias",
      "hsplit.int", "vsplit.int", "hsplit.array", "vsplit.array", "dsplit.array", "adjoint", "_conj", "resolve_conj", "resolve_neg":
      break
    default: return nil
    }
    if call.key == "_conj" { return nil }
    let term = try call.tensor("self")
    let rank = term.rank
    switch call.key {
    case "alias", "detach", "positive", "lift", "resolve_conj", "resolve_neg": return [[.same]]
    case "view", "_unsafe_view", "_reshape_alias": return [[.reshape(settled(try call.extents("size"), call))]]
    case "reshape", "ravel", "flatten.using_ints", "reshape_as":
      guard let input = call.meta("self"), let output = call.outputMeta(), sharesMemory(input, output) else { return nil }
      return [[.reshape(try reshapedExtents(call, term))]]
    case "view_as": return [[.reshape(try extents(try call.tensor("other")))]]
    case "unflatten.int":
      let axis = try axis(try call.int("dim"), rank)
      var target = try extents(term)
      target.replaceSubrange(axis...axis, with: try call.extents("sizes"))
      return [[.reshape(target)]]
    case "view.dtype":
      guard let (element, isComplex) = try call.dtype(), !isComplex else { throw .unsupported("a view as complex numbers") }
      return [[.bits(element)]]
    case "permute":
      let order = try axes(try call.ints("dims"), rank)
      return [[.permute(order)]]
    case "transpose.int", "swapdims": return [[try swap(rank, try call.int("dim0"), try call.int("dim1"))]]
    case "swapaxes": return [[try swap(rank, try call.int("axis0"), try call.int("axis1"))]]
    case "t": return [[rank < 2 ? .same : try swap(rank, 0, 1)]]
    case "mT", "adjoint", "mH", "matrix_H":
      // Of complex numbers all but mT are conjugate, which is no view here.
      return call.key != "mT" && term.isComplex ? nil : [[try swap(rank, -2, -1)]]
    case "numpy_T": return [[.permute(Array((0..<rank).reversed()))]]
    case "movedim.int", "movedim.intlist", "moveaxis.int", "moveaxis.intlist":
      guard rank > 0 else { return [[.same]] }
      let from = try axes(try call.ints("source"), rank), to = try axes(try call.ints("destination"), rank)
      var order = [Int?](repeating: nil, count: rank)
      guard from.count == to.count, Set(to).count == to.count else { throw .invalidModel("dimensions \(from) moved to \(to)") }
      for (source, destination) in zip(from, to) { order[destination] = source }
      var rest = (0..<rank).filter { !from.contains($0) }[...]
      return [[.permute(order.map { $0 ?? rest.popFirst() ?? 0 })]]
    case "unsqueeze": return [[.unsqueeze([try axis(try call.int("dim"), rank + 1)])]]
    case "squeeze": return [[.squeeze((0..<rank).filter { term.dims[$0] == 1 })]]
    case "squeeze.dim", "squeeze.dims":
      guard rank > 0 else { return [[.same]] }
      return [[.squeeze(try axes(try call.ints("dim"), rank).filter { term.dims[$0] == 1 })]]
    case "slice.Tensor":
      let axis = try axis(try call.int("dim"), rank)
      let start = try call.optionalExtent("start") ?? .known(0), end = try call.optionalExtent("end") ?? .known(.max)
      return [[.slice(axis: axis, start: start, end: end, step: try call.int("step"))]]
    case "narrow":
      let axis = try axis(try call.int("dim"), rank)
      let start = try call.extent("start"), length = try call.extent("length")
      if case .known(let first) = start, case .known(let count) = length {
        let from = first < 0 ? first + Int64(term.dims[axis] ?? 0) : first
        return [[.slice(axis: axis, start: .known(from), end: .known(try from.adding(count)), step: 1)]]
      }
      let end = try add(try extentTerm(start), try extentTerm(length))
      return [[.slice(axis: axis, start: start, end: .value(end.id), step: 1)]]
    case "select.int": return [[.select(axis: try axis(try call.int("dim"), rank), index: try call.extent("index"))]]
    case "expand", "broadcast_to": return [[.expand(try call.extents("size"))]]
    case "expand_as": return [[.expand(try extents(try call.tensor("other")))]]
    case "diagonal":
      return [[.diagonal(offset: try call.int("offset"), try axis(try call.int("dim1"), rank), try axis(try call.int("dim2"), rank))]]
    case "unfold":
      if rank == 0 { return [[.unsqueeze([0])]] }
      return [[.windows(axis: try axis(try call.int("dimension"), rank), size: try call.int("size"), step: try call.int("step"))]]
    case "real": return [[term.isComplex ? .part(0) : .same]]
    case "imag": return [[.part(1)]]
    case "view_as_real": return [[.pairs]]
    case "view_as_complex": return [[.complex]]
    case "atleast_1d": return [[.unsqueeze(rank == 0 ? [0] : [])]]
    case "atleast_2d": return [[.unsqueeze(rank == 0 ? [0, 1] : rank == 1 ? [0] : [])]]
    case "atleast_3d": return [[.unsqueeze(rank == 0 ? [0, 1, 2] : rank == 1 ? [0, 2] : rank == 2 ? [2] : [])]]
    default: return try pieces(call, term)
    }
  }

  func reshapedExtents(_ call: Call, _ term: Term) throws(PinionError) -> [Extent] {
    switch call.key {
    case "ravel": return [.known(-1)]
    case "reshape_as": return try extents(try call.tensor("other"))
    case "flatten.using_ints":
      guard term.rank > 0 else { return [.known(1)] }
      let first = try axis(try call.int("start_dim"), term.rank), last = try axis(try call.int("end_dim"), term.rank)
      guard first <= last else { throw .invalidModel("flatten from dimension \(first) to \(last)") }
      var target = try extents(term)
      var merged = Extent.known(-1)
      let product = term.dims[first...last].reduce(Int?(1)) { product, dim in product.flatMap { product in dim.flatMap { try? product.multiplied(by: $0) } } }
      if let product { merged = .known(Int64(product)) }
      target.replaceSubrange(first...last, with: [merged])
      return target
    default: return settled(try call.extents("shape"), call)
    }
  }

  /// The sizes with the one that is left open as the program has traced it, where that is a number.
  private func settled(_ extents: [Extent], _ call: Call) -> [Extent] {
    guard let known = call.outputMeta()?.knownSizes, known.count == extents.count else { return extents }
    return zip(extents, known).map { extent, size in
      if case .known(-1) = extent, let size { .known(Int64(size)) } else { extent }
    }
  }

  private func swap(_ rank: Int, _ first: Int64, _ second: Int64) throws(PinionError) -> View {
    guard rank > 0 else { return .same }
    var order = Array(0..<rank)
    order.swapAt(try axis(first, rank), try axis(second, rank))
    return .permute(order)
  }

  /// The slices that split, chunk and unbind give.
  private func pieces(_ call: Call, _ term: Term) throws(PinionError) -> [[View]] {
    var axis = try axis(call.has("dim") ? try call.int("dim") : 0, term.rank)
    if call.base == "hsplit" { axis = term.rank > 1 ? 1 : 0 }
    if call.base == "dsplit" { axis = 2 }
    let count = call.outputCount
    if call.key == "unbind.int" { return (0..<count).map { [.select(axis: axis, index: .known(Int64($0)))] } }
    var bounds: [Extent] = [.known(0)]
    switch call.key {
    case "split.Tensor", "unsafe_split.Tensor", "split_with_sizes", "unsafe_split_with_sizes", "split.sizes":
      let sizes = try call.extents(call.has("split_sizes") ? "split_sizes" : "split_size")
      for index in 0..<count {
        guard let first = sizes.first else { throw .invalidModel("a split of no sizes") }
        let size = call.base == "split" && call.key == "split.Tensor" || call.key == "unsafe_split.Tensor" ? first : index < sizes.count ? sizes[index] : .known(0)
        guard case .known(let size) = size, case .known(let start) = bounds[bounds.count - 1] else {
          let end = try add(try extentTerm(bounds[bounds.count - 1]), try extentTerm(size))
          bounds.append(.value(end.id))
          continue
        }
        bounds.append(.known(try start.adding(size)))
      }
    case "tensor_split.indices", "hsplit.array", "vsplit.array", "dsplit.array":
      for index in try call.extents("indices") { bounds.append(index) }
      bounds.append(.known(.max))
    case "tensor_split.sections", "hsplit.int", "vsplit.int", "dsplit.int":
      guard let extent = term.dims[axis].map(Int64.init), count > 0 else { throw .unsupported("a split of an extent that a run decides") }
      for index in 0..<Int64(count) { bounds.append(.known((bounds[bounds.count - 1].known ?? 0) + extent / Int64(count) + (index < extent % Int64(count) ? 1 : 0))) }
    default:
      let chunks = try call.int("chunks")
      guard chunks > 0 else { throw .invalidModel("\(chunks) chunks") }
      guard let extent = term.dims[axis].map(Int64.init) else {
        let total = try extentTerm(try extent(term, axis))
        let size = try div(try add(total, try scalar(chunks - 1, .int64)), try scalar(chunks, .int64))
        for index in 1...max(count, 1) { bounds.append(.value(try mul(size, try scalar(Int64(index), .int64)).id)) }
        break
      }
      let size = (extent + chunks - 1) / chunks
      for index in 1...Int64(max(count, 1)) { bounds.append(.known(min(extent, index * size))) }
    }
    return (0..<min(count, bounds.count - 1)).map { [.slice(axis: axis, start: bounds[$0], end: bounds[$0 + 1], step: 1)] }
  }
}
