"""What each route gives for its money, on shots like yours: film a suite, check it, judge it, and read the report."""
