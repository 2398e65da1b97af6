"""Control data: runs, snapshots, what sinks have taken, holds, approvals, decisions, leases and the audit."""
