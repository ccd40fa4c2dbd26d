const {ask} = require('../../utils/conf');
Page({
  data: {open: false},
  onShow() {
    ask(value => this.setData({open: !value}));
  }
});
