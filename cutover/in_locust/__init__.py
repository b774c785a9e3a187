"""What runs inside locust's processes, here and on the machines of workers; the driver never imports it.

locust patches the interpreter that imports it. Of cutover, a worker's machine gets this package and the locustfile.
"""
