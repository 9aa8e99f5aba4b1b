"""What a person does to jobs: requeue, discard, cancel, edit, purge, turn a dial, stop a
schedule.

Each action is one function, one transaction, one line in the timeline and one entry in the audit trail. Permissions and
confirmation pages belong to the faces above.
"""
