DROP TABLE pay_page
