"""From a stored file to the rows of a table: recognize, scan, stage, validate, plan, merge, account.

Everything before the merge runs in short transactions on temporary tables of the attempt's session. Only the merge
changes the target, in one transaction with the job's completion.
"""
