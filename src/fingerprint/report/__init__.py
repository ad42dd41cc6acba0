"""What a scan leaves behind: files for programs, one page and a terminal summary for people."""
