//! The queue: tasks are added, claimed, finished, rescued, in SQL.
