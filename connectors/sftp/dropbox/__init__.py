"""The drop box: an SFTP server to which districts send their files, each into a box of its own.

    account.py   who may send, and how they prove it
    door.py      how often somebody may try
    box.py       the files of one account, and nothing beyond
    session.py   the protocol, cut down to what sending files takes
    server.py    the server itself
    offer.py     whole sets, set aside for runs
    schedule.py  when a run may begin
    start.py     the runs themselves

Below the home folder:

    sftp/host_key            the server's own key
    sftp/accounts/X.json     an account
    sftp/boxes/X/            what X sent, whole files alone
    sftp/arriving/           what is being sent
    sftp/ready/X             the newest whole set of X: this is what a district file names
    sftp/taken/X             the newest set of X that was dealt with: while it is not the one that is ready, a run is due
    sftp/running/            a lock for each district that runs
    sftp/audit.jsonl         who sent what
"""
