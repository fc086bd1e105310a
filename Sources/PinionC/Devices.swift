import CPinion
import Pinion

/// The devices' texts, made once, when the first of them is asked for.
private let devices: [(name: CText, description: CText, reason: CText)] = Device.all.map { device in
  (CText(device.name), CText(device.description), CText(Device.whyNot(device.name)?.message ?? ""))
}

/// The reason against the first GPU where there is none.
private let reasonOfAbsence = CText(Device.absenceOfGPUs ?? "")

@c @implementation
public func pinion_device_count() -> Int { devices.count }

@c @implementation
public func pinion_device_name(_ index: Int) -> UnsafePointer<CChar>! {
  devices.indices.contains(index) ? devices[index].name.pointer : CText.empty
}

@c @implementation
public func pinion_device_description(_ index: Int) -> UnsafePointer<CChar>! {
  devices.indices.contains(index) ? devices[index].description.pointer : CText.empty
}

@c @implementation
public func pinion_device_why_not(_ name: UnsafePointer<CChar>!) -> UnsafePointer<CChar>! {
  // The processor needs no look at the others.
  guard let name, !sameText(name, constant("cpu")) else { return CText.empty }
  if let device = devices.first(where: { sameText($0.name.pointer, name) }) { return device.reason.pointer }
  guard let reason = Device.whyNot(String(cString: name)) else { return CText.empty }
  // Texts that have the name in them would need an owner each.
  return reason.code == .unsupported ? reasonOfAbsence.pointer : constant("no device of that name; see pinion_device_name()")
}
