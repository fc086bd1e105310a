import CPinion
import Pinion

private let defaultSaveOptions = pinion_save_options(
  struct_size: MemoryLayout<pinion_save_options>.size, external_data: PINION_EXTERNAL_DATA_AUTO, reserved: 0, opset: 0)

@c @implementation
public func pinion_model_save(
  _ model: OpaquePointer!, _ path: UnsafePointer<CChar>!, _ given: UnsafePointer<pinion_save_options>!
) -> pinion_status {
  status { () throws(PinionError) in
    let box = object(try required(model, "model"), ModelBox.self), path = String(cString: try required(path, "path"))
    let given = try options(given, default: defaultSaveOptions) { $0.struct_size }
    var options = ONNXOptions()
    switch given.external_data {
    case PINION_EXTERNAL_DATA_AUTO: options.externalData = .automatic
    case PINION_EXTERNAL_DATA_ALWAYS: options.externalData = .always
    case PINION_EXTERNAL_DATA_NEVER: options.externalData = .never
    default: throw .invalidArgument("external_data is \(given.external_data.rawValue), expected 0 to 2")
    }
    guard given.reserved == 0 else { throw .invalidArgument("reserved is \(given.reserved), expected 0") }
    guard given.opset >= 0 else { throw .invalidArgument("opset is \(given.opset), expected 0 or more") }
    if given.opset > 0 { options.opset = given.opset }
    try box.runtime.logging("writing") { () throws(PinionError) in try box.model.save(path, options: options) }
    box.runtime.log(PINION_LOG_INFO, "wrote \(path)")
  }
}
