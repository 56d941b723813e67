import { readFileSync } from "node:fs";

/** What a network namespace has carried: IP packets as they would be on a cable. */
export interface Wire {
  readonly packets: number;
  /** IPv4 headers included, link layer not. */
  readonly bytes: number;
}

/** Counters of a file like /proc/net/snmp, where a line of names is followed by one of numbers. */
function counters(path: string, protocol: string): Map<string, number> {
  const lines = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line.startsWith(`${protocol}: `))
    .map((line) => line.split(" ").slice(1));
  const [names = [], values = []] = lines;
  return new Map(names.map((name, index) => [name, Number(values[index])]));
}

/**
 * The kernel carries a train of packets (segmentation offload) as one with one header. It counts the packets of a
 * train in InNoECTPkts and the like, so the headers that are missing can be added.
 * @param headers bytes of IP and transport headers in each packet: 28 with UDP, 52 with TCP and its time stamps
 */
export function readWire(headers: number): Wire {
  const ext = counters("/proc/net/netstat", "IpExt");
  const ip = counters("/proc/net/snmp", "Ip");
  const marks = ["InNoECTPkts", "InECT1Pkts", "InECT0Pkts", "InCEPkts"];
  const packets = marks.reduce((sum, name) => sum + (ext.get(name) ?? 0), 0);
  const trains = ip.get("InReceives") ?? 0;
  const bytes = (ext.get("InOctets") ?? 0) + Math.max(0, packets - trains) * headers;
  return { packets, bytes };
}
