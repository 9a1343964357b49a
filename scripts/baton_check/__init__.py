"""What Baton takes from others, and whether it may: locks, licences, advisories, the bill of materials."""
