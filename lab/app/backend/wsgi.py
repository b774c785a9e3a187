"""What gunicorn serves."""

from mks import create_app

app = create_app()
