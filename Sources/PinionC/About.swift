import CKernels
import CPinion
import Pinion
import PinionOperators

@c @implementation
public func pinion_version_string() -> UnsafePointer<CChar>! { constant("0.1.0") }

@c @implementation
public func pinion_abi_version() -> Int32 { PINION_ABI_VERSION }

@c @implementation
public func pinion_abi_check(_ version: Int32) -> pinion_status {
  status { () throws(PinionError) in
    guard version <= PINION_ABI_VERSION else {
      throw .unsupported("the program was built for ABI version \(version), the library has \(PINION_ABI_VERSION)")
    }
  }
}

@c @implementation
public func pinion_cpu_isa_name() -> UnsafePointer<CChar>! { pk_isa_name(pk_isa_best()) }

/// Names of the operators, made once.
private let operators: [(name: CText, domain: CText, since: Int64)] = OperatorCatalog.all
  .map { ($0.schema.name, $0.schema.domain.isEmpty ? "ai.onnx" : $0.schema.domain, $0.schema.since) }
  .sorted { ($0.1, $0.0) < ($1.1, $1.0) }
  .map { (CText($0.0), CText($0.1), $0.2) }

@c @implementation
public func pinion_operator_count() -> Int { operators.count }

@c @implementation
public func pinion_operator_name(_ index: Int) -> UnsafePointer<CChar>! {
  operators.indices.contains(index) ? operators[index].name.pointer : CText.empty
}

@c @implementation
public func pinion_operator_domain(_ index: Int) -> UnsafePointer<CChar>! {
  operators.indices.contains(index) ? operators[index].domain.pointer : CText.empty
}

@c @implementation
public func pinion_operator_since(_ index: Int) -> Int64 { operators.indices.contains(index) ? operators[index].since : 0 }

private let elementTypeNames: [CText] = (0..<32).map { CText(ElementType(rawValue: $0)?.description ?? "undefined") }

@c @implementation
public func pinion_element_type_name(_ type: pinion_element_type) -> UnsafePointer<CChar>! {
  let index = Int(type.rawValue)
  return index < elementTypeNames.count ? elementTypeNames[index].pointer : elementTypeNames[0].pointer
}

@c @implementation
public func pinion_element_type_bits(_ type: pinion_element_type) -> Int32 {
  guard let type = ElementType(rawValue: Int32(truncatingIfNeeded: type.rawValue)), type != .string else { return 0 }
  return Int32(type.bitWidth)
}

extension ElementType {
  var cType: pinion_element_type { pinion_element_type(rawValue: UInt32(bitPattern: rawValue)) }

  init(c type: pinion_element_type) throws(PinionError) {
    guard let type = ElementType(rawValue: Int32(truncatingIfNeeded: type.rawValue)) else {
      throw .invalidArgument("\(type.rawValue) is no element type of this build")
    }
    self = type
  }
}
