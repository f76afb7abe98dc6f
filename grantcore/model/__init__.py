"""What exists: ids, phases and the life-cycle table, records, requests, grants, outcomes, errors."""
