export * from "./errors.js";
export {
  MonitorReturnCode,
  Session,
  basicCbWithPrint,
  newInsecureSession,
  newSecureSession,
  type JobMeta,
  type ListOptions,
  type MonitorCallback,
  type MonitorOptions,
  type SessionOptions,
  type SystemInfo,
} from "./session.js";
