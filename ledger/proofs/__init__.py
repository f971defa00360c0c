"""What leaves the house and proves itself: sealed documents, views, bundles, anchors, verification of a record."""
