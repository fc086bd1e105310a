import CPinion
import Pinion

/// Name and type of an input or output with its strings at fixed addresses.
final class InfoBox: @unchecked Sendable {
  let type: ValueType?
  let isOptional: Bool
  let name, text, path: CText
  let dimNames: [CText]
  let content: InfoBox?

  init(name: String, type: ValueType?, isOptional: Bool, path: String = "") {
    self.type = type
    self.path = path.isEmpty ? .none : CText(path)
    self.name = CText(name)
    text = CText(type?.description ?? "?")
    var optional = isOptional
    switch type {
    case .tensor(_, let dims)?:
      dimNames = (dims ?? []).map { dimension in
        if case .symbol(let symbol) = dimension { CText(symbol) } else { CText.none }
      }
      content = nil
    case .sequence(let element)?:
      dimNames = []
      content = InfoBox(name: "", type: element, isOptional: false)
    case .optional(let element)?:
      dimNames = []
      content = InfoBox(name: "", type: element, isOptional: false)
      optional = true
    case .map(_, let value)?:
      dimNames = []
      content = InfoBox(name: "", type: value, isOptional: false)
    case nil:
      dimNames = []
      content = nil
    }
    self.isOptional = optional
  }
}

private func info(_ pointer: OpaquePointer?) -> InfoBox? { pointer.map { object($0, InfoBox.self) } }

@c @implementation
public func pinion_value_info_name(_ pointer: OpaquePointer!) -> UnsafePointer<CChar>! { info(pointer)?.name.pointer ?? CText.empty }

@c @implementation
public func pinion_value_info_path(_ pointer: OpaquePointer!) -> UnsafePointer<CChar>! { info(pointer)?.path.pointer ?? CText.empty }

@c @implementation
public func pinion_value_info_kind(_ pointer: OpaquePointer!) -> pinion_kind {
  switch info(pointer)?.type {
  case .tensor?: PINION_KIND_TENSOR
  case .sequence?: PINION_KIND_SEQUENCE
  case .map?: PINION_KIND_MAP
  case .optional?: PINION_KIND_OPTIONAL
  case nil: info(pointer) == nil ? PINION_KIND_NONE : PINION_KIND_TENSOR
  }
}

@c @implementation
public func pinion_value_info_element_type(_ pointer: OpaquePointer!) -> pinion_element_type {
  switch info(pointer)?.type {
  case .tensor(let element, _)?: element.cType
  case .map(let key, _)?: key.cType
  default: PINION_UNDEFINED
  }
}

@c @implementation
public func pinion_value_info_rank(_ pointer: OpaquePointer!) -> Int32 {
  guard case .tensor(_, let dims?)? = info(pointer)?.type else { return -1 }
  return Int32(truncatingIfNeeded: dims.count)
}

@c @implementation
public func pinion_value_info_dim(_ pointer: OpaquePointer!, _ axis: Int32) -> Int64 {
  guard case .tensor(_, let dims?)? = info(pointer)?.type, dims.indices.contains(Int(axis)), case .known(let extent) = dims[Int(axis)] else {
    return -1
  }
  return Int64(extent)
}

@c @implementation
public func pinion_value_info_dim_name(_ pointer: OpaquePointer!, _ axis: Int32) -> UnsafePointer<CChar>! {
  guard let info = info(pointer), info.dimNames.indices.contains(Int(axis)) else { return CText.empty }
  return info.dimNames[Int(axis)].pointer
}

@c @implementation
public func pinion_value_info_content(_ pointer: OpaquePointer!) -> OpaquePointer! { borrowed(info(pointer)?.content) }

@c @implementation
public func pinion_value_info_is_optional(_ pointer: OpaquePointer!) -> Bool { info(pointer)?.isOptional ?? false }

@c @implementation
public func pinion_value_info_text(_ pointer: OpaquePointer!) -> UnsafePointer<CChar>! { info(pointer)?.text.pointer ?? CText.empty }
