"""Arrays without meaning of their own: Arrow columns, bit tables, intervals, the frame grid."""
