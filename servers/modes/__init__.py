"""One file per data path: MODE (servers.mode.Mode) and send_file (servers.mode.SendFile)."""
